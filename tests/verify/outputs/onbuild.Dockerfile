FROM localhost/ob AS Dev
ENV A=B
RUN echo own
FROM Dev
RUN echo last
