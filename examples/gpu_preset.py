"""GPUs for the workers only, on Flyte 1: the preset `gpu_heavy`, an image, and a toleration.

    flyte-dask explain examples/gpu_preset.py

    gpu_preset.gpus  examples/gpu_preset.py:58
    Flyte 1; defaults cpu=2 mem=200Mi; limits none

    pod        resource        request  limit  set by                                       overrides
    runner     cpu             2        2      @task at examples/gpu_preset.py:58
               mem             4Gi      4Gi    @task at examples/gpu_preset.py:58
    scheduler  cpu             2        2      preset gpu_heavy
               mem             8Gi      8Gi    preset gpu_heavy
    workers    replicas        4               gpu_heavy(...) at examples/gpu_preset.py:59  2 from preset gpu_heavy
               cpu             4        4      preset gpu_heavy
               mem             24Gi     24Gi   preset gpu_heavy
               gpu             1        1      preset gpu_heavy
               --nthreads               4      from workers.limits.cpu
               --memory-limit           24Gi   from workers.limits.mem

    image: ghcr.io/acme/train-cuda:3
    total: 6 pods, 20 CPUs, 108Gi memory, 4 GPUs

It also runs on machines without GPUs, and finds none:

    pyflyte run examples/gpu_preset.py gpus

Flyte 2 requests the workers' GPUs under a wrong resource name. This command shows what to do:

    flyte-dask check examples/gpu_preset.py --backend v2
"""  # noqa: E501  # output of the command

import shutil
import subprocess

from distributed import get_client
from flytekit import PodTemplate, Resources, task
from kubernetes.client import V1PodSpec, V1Toleration

from flytekitplugins.dask import presets

# Flyte adds this toleration if the task itself requests a GPU, but not if its workers do.
ON_GPU_NODES = PodTemplate(
    pod_spec=V1PodSpec(
        containers=[], tolerations=[V1Toleration(key="nvidia.com/gpu", operator="Exists")]
    )
)


def seen() -> list[str]:
    """The GPUs that the driver lists for this process."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    done = subprocess.run([program, "-L"], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


@task(
    task_config=presets.gpu_heavy(workers=4),
    container_image="ghcr.io/acme/train-cuda:3",  # for all pods; the driver belongs to the node
    limits=Resources(cpu="2", mem="4Gi"),  # for the pod that runs this function
    pod_template=ON_GPU_NODES,
)
def gpus() -> list[str]:
    """The GPUs of all workers: a first check of a new cluster."""
    return [gpu for gpus in get_client().run(seen).values() for gpu in gpus]
