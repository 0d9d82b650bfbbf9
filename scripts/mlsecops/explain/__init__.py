"""What a finding or a rule means, and accepting a finding for a while: `mlsecops explain` and `waive`."""
