"""Names, attributes and links of HDF5 files, read without the library that would follow them.

After the "HDF5 File Format Specification" of the HDF Group
(https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html): superblocks 0 to 3, object headers 1
and 2, groups as symbol tables, link messages and fractal heaps. Numbers of datasets are not read.
"""

from mlsecops.models.hdf5.contents import Attribute, Dataset, Elsewhere, Problem
from mlsecops.models.hdf5.file import SIGNATURE, File, signature
from mlsecops.models.hdf5.rows import Rows
from mlsecops.models.hdf5.tree import walk

__all__ = ["SIGNATURE", "Attribute", "Dataset", "Elsewhere", "File", "Problem", "Rows", "signature", "walk"]
