"""``python -m report_cluster up | down | purge``: what ``make`` calls."""

import sys

from report_cluster import node, node_images
from report_cluster.layout import this_layout
from report_cluster.talk import ClusterError, say

if __name__ == "__main__":
    try:
        {"up": node.up, "down": node.down, "images": node_images.load_images}[sys.argv[1]](this_layout())
        print(this_layout().kubeconfig)
    except ClusterError as error:
        say(str(error))
        sys.exit(1)
