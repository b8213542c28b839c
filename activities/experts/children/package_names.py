"""Distributions whose modules have other names than they have, and names that probably mean the same."""

import re
import sys

STANDARD_LIBRARY = frozenset(sys.stdlib_module_names) | {"distutils", "imp", "asynchat", "asyncore", "smtpd", "tomllib"}

MODULES_OF: dict[str, tuple[str, ...]] = {
    "attrs": ("attr", "attrs"),
    "beautifulsoup4": ("bs4",),
    "biopython": ("Bio",),
    "dnspython": ("dns",),
    "docker-py": ("docker",),
    "email-validator": ("email_validator",),
    "faiss-cpu": ("faiss",),
    "gitpython": ("git",),
    "grpcio": ("grpc",),
    "google-api-python-client": ("googleapiclient", "apiclient"),
    "jupyter-client": ("jupyter_client",),
    "kafka-python": ("kafka",),
    "ldap3": ("ldap3",),
    "mysqlclient": ("MySQLdb", "_mysql"),
    "mysql-connector-python": ("mysql",),
    "opencv-python": ("cv2",),
    "opencv-python-headless": ("cv2",),
    "paho-mqtt": ("paho",),
    "pillow": ("PIL",),
    "protobuf": ("google",),
    "psycopg2-binary": ("psycopg2",),
    "psycopg-binary": ("psycopg",),
    "py-cpuinfo": ("cpuinfo",),
    "pycryptodome": ("Crypto",),
    "pycryptodomex": ("Cryptodome",),
    "pyjwt": ("jwt",),
    "pymysql": ("pymysql",),
    "pynacl": ("nacl",),
    "pyopenssl": ("OpenSSL",),
    "pyserial": ("serial",),
    "python-dateutil": ("dateutil",),
    "python-docx": ("docx",),
    "python-dotenv": ("dotenv",),
    "python-jose": ("jose",),
    "python-ldap": ("ldap",),
    "python-magic": ("magic",),
    "python-multipart": ("multipart", "python_multipart"),
    "python-slugify": ("slugify",),
    "pywin32": ("win32api", "win32con", "win32gui", "pythoncom", "win32com", "pywintypes"),
    "pyyaml": ("yaml", "_yaml"),
    "pyzmq": ("zmq",),
    "ruamel-yaml": ("ruamel",),
    "scikit-image": ("skimage",),
    "scikit-learn": ("sklearn",),
    "setuptools": ("setuptools", "pkg_resources", "_distutils_hack"),
    "sqlalchemy-utils": ("sqlalchemy_utils",),
    "typing-extensions": ("typing_extensions",),
    "websocket-client": ("websocket",),
    "werkzeug": ("werkzeug",),
}
"""By normalised name. Without the distribution installed nothing else tells its modules."""

_COMMON_PARTS = frozenset({"py", "python", "lib", "client", "api", "core", "sdk", "tools", "utils", "binary", "io"})


def look_alike(module: str, distribution: str) -> bool:
    """Whether a module may well come from a distribution: one name holds the other, or they share a telling part.

    Distributions are not installed where a review runs, so a likeness is enough to say nothing.
    """
    if module in MODULES_OF.get(re.sub(r"[-_.]+", "-", distribution).lower(), ()):
        return True
    left, right = _plain(module), _plain(distribution)
    if min(len(left), len(right)) >= 3 and (left in right or right in left):
        return True
    return bool(_parts(module) & _parts(distribution))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _parts(name: str) -> set[str]:
    return {part for part in re.split(r"[^a-z0-9]+", name.lower()) if len(part) >= 4} - _COMMON_PARTS
