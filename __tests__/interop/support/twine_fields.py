"""What twine would send for each file of a folder, as JSON: twine_fields.py FOLDER.

By file name: a list of [name, value] pairs, or the reason why twine refuses the file.
"""

import json
import sys
from pathlib import Path

from twine.exceptions import InvalidDistribution
from twine.package import PackageFile
from twine.repository import Repository


def fields_of(path):
    try:
        package = PackageFile.from_filename(str(path), None)
    except InvalidDistribution as error:
        return str(error)
    return Repository._convert_metadata_to_list_of_tuples(package.metadata_dictionary())


json.dump({path.name: fields_of(path) for path in sorted(Path(sys.argv[1]).iterdir())}, sys.stdout)
