"""Ask a C extension for the address of the loopback interface."""

from importlib.metadata import version

import idna
import netifaces

address = netifaces.ifaddresses("lo")[netifaces.AF_INET][0]["addr"]
print(address, idna.encode("träger").decode(), "idna", version("idna"))
