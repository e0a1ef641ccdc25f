import numpy as np
import pytest

from segmentation_worker.enlargement import Enlarged, enlarged


@pytest.mark.parametrize("shape", [(40, 60), (41, 133), (200, 61), (997, 1000)])
def test_parts_of_an_enlarged_map_are_parts_of_the_whole(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(3)
    small = random.random((40, 60)).astype(np.float32)
    whole = enlarged(small, shape)
    parts = Enlarged(small, shape)
    assert np.allclose(parts[0 : shape[0], 0 : shape[1]], whole, atol=1e-5)
    for _ in range(20):
        top, left = random.integers(0, shape[0]), random.integers(0, shape[1])
        bottom, right = random.integers(top, shape[0] + 1), random.integers(left, shape[1] + 1)
        part = parts[top:bottom, left:right]
        assert part.shape == (bottom - top, right - left)
        assert part.dtype == np.float32
        assert np.allclose(part, whole[top:bottom, left:right], atol=1e-5)


def test_bytes_stand_for_probabilities() -> None:
    small = np.arange(0, 256, 5, dtype=np.uint8).reshape(4, -1)
    assert np.allclose(
        Enlarged(small, (8, 26))[0:8, 0:26], enlarged((small / 255).astype(np.float32), (8, 26)), atol=1e-5
    )
