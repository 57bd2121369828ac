"""A ConfigMap as the kubelet mounts it: the files are links through `..data`, which is exchanged as a whole."""

import os
import shutil
import time


class ConfigMap:
    """Of files with these names and texts; `pause`: seconds before each step of an exchange."""

    def __init__(self, directory, **files):
        self.directory, self.number, self.pause = directory, 0, 0.0
        directory.mkdir(exist_ok=True)
        self.write(**files)
        for name in files:
            (directory / name).symlink_to(f"..data/{name}")

    def write(self, **files):
        data, new = self.directory / "..data", self.directory / f"..2026_{self.number}"
        self.number += 1
        old = self.directory / os.readlink(data) if data.is_symlink() else None
        new.mkdir()
        steps = [lambda name=name, text=text: (new / name).write_text(text) for name, text in files.items()]
        steps += [lambda: (self.directory / "..data_tmp").symlink_to(new.name),
                  lambda: (self.directory / "..data_tmp").rename(data),
                  lambda: old and shutil.rmtree(old)]
        for step in steps:
            time.sleep(self.pause)
            step()
