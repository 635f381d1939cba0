#!/bin/bash
# Tells what of the node speaks to AWS and to registries of the proxy. A boothook
# runs before nodeadm does, which the other parts of the user data do not.
set -euo pipefail
settings=/etc/e6data-proxy.env
cat > $settings <<'EOF'
HTTPS_PROXY=@HTTPS_PROXY@
https_proxy=@HTTPS_PROXY@
NO_PROXY=@NO_PROXY@
no_proxy=@NO_PROXY@
EOF
for unit in nodeadm-config nodeadm-run containerd kubelet amazon-ssm-agent; do
  mkdir -p /etc/systemd/system/$unit.service.d
  printf '[Service]\nEnvironmentFile=%s\n' $settings > /etc/systemd/system/$unit.service.d/10-proxy.conf
done
systemctl daemon-reload
