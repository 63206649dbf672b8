"""Usage: ship move <axis> <distance>"""

from importlib.metadata import version

from docopt import docopt

told = docopt(__doc__)
print("moved", told["<distance>"], "along", told["<axis>"], "docopt", version("docopt"))
