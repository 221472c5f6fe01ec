"""``researcher-job --probe``: its tests, output and secrecy."""

from __future__ import annotations

import datetime
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from research_contract import records
from research_contract.files import decode, read_whole
from research_contract.probes import Probed
from tests.researcher_job.jobs import WAIT

PASSWORD = "correct horse battery staple"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "one.md").write_text("# Secret recipe\n\nFish and quince.\n")
    return tmp_path / "research.toml"


def probe(config: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "researcher_job", "--probe", "--config", str(config)]
    return subprocess.run(
        [*program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
        env={**os.environ, **environment},
    )


def said_of(done: subprocess.CompletedProcess[str]) -> dict[str, tuple[bool, str]]:
    result = Probed.model_validate_json(done.stdout)
    return {check.name: (check.ok, check.said) for check in result.checks}


def test_successful_tests_are_printed_and_stored(config: Path, tmp_path: Path) -> None:
    config.write_text('[sources.papers]\nuri = "papers"\ntoken = "env:PAPERS"\n')
    folder = tmp_path / "jobs" / "probe" / "x"
    done = probe(config, "--folder", folder, "--storage=mount", PAPERS=PASSWORD)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].endswith(" s from the start of the process")
    assert [line[:7] for line in lines[1:]] == ["ok     "] * 3
    assert [line[7:].split("  ")[0] for line in lines[1:]] == [
        "volume",
        "source papers",
        "secret of papers",
    ]
    kept = decode(Probed, read_whole(folder / records.PROBED))
    assert kept
    assert [check.ok for check in kept.checks] == [True] * 3
    assert [path.name for path in folder.iterdir()] == [records.PROBED]
    assert not any(text in done.stdout for text in (PASSWORD, "quince", "recipe"))


def test_failed_tests_are_reported_by_kind(config: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    config.write_text(
        '[sources.gone]\nuri = "gone"\n[sources.empty]\nuri = "empty"\n'
        '[sources.genie]\nuri = "genie:01ef"\n'
        '[sources.papers]\nuri = "papers"\ntoken = "env:NOT_SET_ANYWHERE"\n'
    )
    done = probe(config, "--json")
    assert done.returncode == 1
    assert said_of(done) == {
        "source gone": (False, "FileNotFoundError"),
        "source empty": (False, "0 files found, none of which may be read."),
        "source genie": (False, "Sources of this kind cannot be read yet."),
        "source papers": (True, "1 file found"),
        "secret of papers": (False, "The secret env:NOT_SET_ANYWHERE is not set."),
    }


def test_an_unwritable_folder_is_a_failure(config: Path, tmp_path: Path) -> None:
    config.write_text("")
    (tmp_path / "file").write_text("in the way")
    done = probe(config, "--folder", tmp_path / "file" / "below")
    assert done.returncode == 1
    assert "Error" in done.stderr


def test_without_configuration_nothing_is_tested(config: Path) -> None:
    config.write_text("")
    done = probe(config)
    assert done.returncode == 0
    assert "nothing was tested" in done.stdout


def test_a_wrong_configuration_is_explained(config: Path) -> None:
    config.write_text("[researcher]\npace = 3\n")
    done = probe(config)
    assert done.returncode == 5
    assert "[researcher] cannot be used: pace" in done.stderr


# --- egress -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate for the loopback address, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    kept = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(kept + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def server(certificate: Path) -> Iterator[int]:
    """Yield the port of a server that closes each connection after the TLS handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("scheme", ["https", "mcp+https"])
def test_the_host_of_a_source_is_reached(
    config: Path, server: int, certificate: Path, scheme: str
) -> None:
    config.write_text(f'[sources.wiki]\nuri = "{scheme}://127.0.0.1:{server}/pages"\n')
    said = said_of(probe(config, "--json", SSL_CERT_FILE=str(certificate)))
    assert said["egress to 127.0.0.1"] == (True, "connected (TLSv1.3)")


def test_an_untrusted_or_unreachable_host_is_a_failure(config: Path, server: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        closed = unused.getsockname()[1]
    config.write_text(f'[sources.wiki]\nuri = "https://127.0.0.1:{server}/pages"\n')
    assert said_of(probe(config, "--json"))["egress to 127.0.0.1"] == (
        False,
        "SSLCertVerificationError",
    )
    config.write_text(f'[sources.wiki]\nuri = "https://127.0.0.1:{closed}/pages"\n')
    assert said_of(probe(config, "--json"))["egress to 127.0.0.1"] == (
        False,
        "ConnectionRefusedError",
    )


def test_the_result_has_the_fields_of_the_contract(config: Path) -> None:
    config.write_text('[sources.papers]\nuri = "papers"\n')
    said = json.loads(probe(config, "--json").stdout)
    assert set(said) == set(Probed.model_fields)
    assert said["started_seconds"] > 0
