"""`dave status` shows how the node on this machine is doing."""


def test_a_node_in_good_health(home):
    node = home.start()
    edge = ("--edge", node.address)
    home.dave("put", "k", "v", "--ttl", "1h", *edge)
    home.dave("get", "k", *edge)
    done = home.dave("status", "--data", node.data)
    assert (done.code, done.err) == (0, "")
    rows = {line[:10].strip(): line[11:] for line in done.out.splitlines()}
    assert rows["address"] == node.address
    assert f"process {node.pid}" in rows["up"]
    assert rows["puts"] == "1 stored; 0 waiting"
    assert rows["gets"] == "1 found, 0 absent"
    assert "READ ONLY" not in rows
    told = home.dave("status", "--data", node.data, "--json").json
    assert (told["pid"], told["entries"], told["address"]) == (node.pid, 1, node.address)


def test_no_node_is_exit_code_3(home):
    done = home.dave("status")
    assert (done.code, done.out) == (3, "")
    assert "dave run" in done.err
    assert "--data" in done.err
    node = home.start()
    node.kill()
    assert home.dave("status", "--data", node.data).code == 3
