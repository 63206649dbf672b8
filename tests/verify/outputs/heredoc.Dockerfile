FROM debian:12-slim
RUN <<EOF
echo in here
EOF
COPY <<A <<B /d/
STEP 4/4: RUN x
A
second
B
RUN --network=none cat /d/A
