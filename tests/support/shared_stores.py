"""Installations on several machines that share a database and an S3 server, and nothing else."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from export_servers import s3_server
from s3fs import S3FileSystem

from onestop import storage
from onestop.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

BUCKET = "onestop"


@contextlib.contextmanager
def object_store(host="127.0.0.1"):
    """An S3 server with an empty bucket; yields the variables of the environment for it."""
    with s3_server(host) as port:
        variables = {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",  # pragma: allowlist secret
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        }
        client = boto3.client(
            "s3",
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            aws_access_key_id="key",
            aws_secret_access_key="secret",  # pragma: allowlist secret
            region_name="us-east-1",
        )
        client.create_bucket(Bucket=BUCKET)
        # A process keeps its client, which is one of the server that it asked before.
        S3FileSystem.clear_instance_cache()
        yield variables


@dataclass(frozen=True)
class Installation:
    """What several machines share.

    Attributes:
        exports: the folder of the exports; every machine can read it.
        warehouse: address of the database.
        variables: of the environment, for the S3 server.
        prefix: the installation's folder in the bucket.
    """

    exports: Path
    warehouse: str
    variables: dict[str, str]
    prefix: str

    def machine(self, folder: Path) -> Settings:
        """The settings of one machine, with a folder of its own; sets this process's variables."""
        os.environ.update(self.variables)
        os.environ.update(
            ONESTOP_STORE=f"s3://{BUCKET}/{self.prefix}",
            ONESTOP_EXPORTS=str(self.exports),
            ONESTOP_WAREHOUSE=self.warehouse,
            ONESTOP_WORK=str(folder),
        )
        return Settings.from_environment()


def kill_before_request(number: int) -> None:
    """Kill this process before its ``number``-th request that changes the store."""
    left = [number]

    def counted(name):
        request = getattr(storage, name)

        def changed(*arguments, **named):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return request(*arguments, **named)

        return changed

    for name in ("put", "put_new"):  # what onestop.files calls
        setattr(storage, name, counted(name))
