module hmserve-client

go 1.18
