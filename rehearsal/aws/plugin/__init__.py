"""The rehearsal's plug-in for MiniStack: what it lacks, and where it is milder than AWS."""
