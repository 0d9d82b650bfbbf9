"""Writers of file formats, byte by byte, that also write what no library would."""
