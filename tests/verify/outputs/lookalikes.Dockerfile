FROM debian:12-slim
RUN echo 'STEP 3/4: ENV fake'; echo 'STEP 3/9: RUN fake'; echo '--> 0123456789ab'
RUN echo '--> Using cache 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'
RUN echo 'Error: none'
