"""Makes `mlsecops/data/model-imports.json.gz`: what libraries write into pickles, learnt from themselves.

`collect.py` and what it imports run inside of scratch environments, from Python 3.7 on; the rest in ours.
"""
