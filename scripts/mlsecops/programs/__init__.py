"""Programs that read files one after the other, most of them in the environment of another scanner.

There they can import nothing of ours but this package, and the standard library.
"""
