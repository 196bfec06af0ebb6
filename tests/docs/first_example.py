"""Writes the first C++ example of a page into a file of its own: first_example.py PAGE FILE."""

import pathlib
import re
import sys

page, file = map(pathlib.Path, sys.argv[1:])
file.write_text(re.search(r"```cpp\n(.*?)```", page.read_text(), re.DOTALL)[1])
