"""Writes the C++ examples of a page, one after the other, into a file: cpp_examples.py PAGE FILE."""

import pathlib
import re
import sys

page, file = map(pathlib.Path, sys.argv[1:])
file.write_text("\n".join(re.findall(r"^```cpp\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)))
