module scheduledreports.dev/cluster/pause

go 1.24
