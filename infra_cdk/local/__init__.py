"""The local cloud: the `local` assembly on the emulator, PostgreSQL beside it, the worker and nothing else.

    with start_local_cloud(data_dir, port=4566) as cloud:
        print(cloud.api_url, cloud.sign_in.email)

``cloud`` starts and stops it; each other module is one part. Everything listens on loopback only. Linux and macOS.
"""
