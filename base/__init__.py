"""What every room stands on, and nothing of the business: the home folder, whole files, sockets."""
