"""The Python SDK, which knows both eras. Arguments and output are those that plan.cjs describes."""

import asyncio
import json
import sys

import mcp_types as types
from mcp import Client, MCPError
from mcp.client.sse import sse_client

MODES = {"legacy": "legacy", "auto": "auto", "modern": "2026-07-28"}


async def elicited(_context, _params):
    return types.ElicitResult(action="accept", content={"username": "ada", "email": "ada@example.com"})


async def sampled(_context, _params):
    return types.CreateMessageResult(
        role="assistant", model="none", content=types.TextContent(type="text", text="Paris")
    )


async def list_tools(client):
    names, cursor = [], None
    while True:
        page = await client.list_tools(cursor=cursor)
        names += [tool.name for tool in page.tools]
        cursor = page.next_cursor
        if cursor is None:
            return names


async def call(client, wanted):
    try:
        result = await client.call_tool(wanted["name"], wanted.get("arguments", {}))
    except MCPError as error:
        return {"error": {"code": error.code, "message": error.message}}
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


async def main():
    url, plan = sys.argv[1], json.loads(sys.argv[2])
    answers = {"elicitation_callback": elicited, "sampling_callback": sampled} if plan["answers"] else {}
    server = sse_client(url) if plan.get("transport") == "sse" else url
    client = Client(server, mode=MODES[plan["era"]], **answers)
    async with client:
        tools = await list_tools(client)
        results = [await call(client, wanted) for wanted in plan["calls"]]
        server = client.server_info.name if client.server_info else None
        print(
            json.dumps(
                {"revision": client.protocol_version, "server": server, "tools": tools, "results": results}
            )
        )


asyncio.run(main())
