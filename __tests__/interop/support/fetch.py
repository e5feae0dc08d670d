"""Fetches the files of a SHA256SUMS list from the index that pip is set up for: fetch.py LIST FOLDER.

`pip download` would build each sdist's metadata with the sdist's own code; nothing that comes here may run. So this is
pip's own client (its index, its certificates, its proxy) without that step. What it imports is internal to pip, whose
version requirements.txt locks.
"""

import hashlib
import sys
from collections import defaultdict
from pathlib import Path

from pip._internal.commands.index import IndexCommand
from pip._internal.index.collector import LinkCollector, parse_links
from pip._internal.models.link import Link
from pip._internal.network.download import Downloader
from pip._vendor.packaging.utils import parse_sdist_filename, parse_wheel_filename


def project_of(file_name):
    parse = parse_wheel_filename if file_name.endswith(".whl") else parse_sdist_filename
    return parse(file_name)[0]


def read_list(path):
    """Digests (lower-case hex) by file name, by project."""
    projects = defaultdict(dict)
    for line in path.read_text().splitlines():
        digest, file_name = line.split()
        projects[project_of(file_name)][file_name] = digest
    return projects


def links_of(collector, project):
    links = {}
    for location in collector.search_scope.get_index_urls_locations(project):
        page = collector.fetch_response(Link(location))
        if page is not None:
            links.update((link.filename, link) for link in parse_links(page))
    return links


def fetch(download, link, digest, folder):
    if (link.hash_name, link.hash) != ("sha256", digest):
        sys.exit(f"{link.filename}: expected the sha256 {digest}, the page says {link.hash_name} {link.hash}")
    path, _ = download(link, str(folder))
    found = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    if found != digest:
        sys.exit(f"{link.filename}: expected the sha256 {digest}, the file has {found}")


def main(list_path, folder):
    command = IndexCommand("index", "")
    with command.main_context():
        options, _ = command.parse_args([])
        session = command.enter_context(command._build_session(options))
        collector = LinkCollector.create(session, options=options)
        download = Downloader(session, "off")
        for project, files in read_list(list_path).items():
            links = links_of(collector, project)
            for file_name, digest in files.items():
                if file_name not in links:
                    sys.exit(f"the index lists no {file_name}")
                fetch(download, links[file_name], digest, folder)


main(Path(sys.argv[1]), Path(sys.argv[2]))
