"""Lists the tools of a server and converts them as each framework does; prints them as JSON.

It runs in an environment of its own, with the frameworks of ``requirements.txt`` and without the
project. Its arguments are the command of the server; the output is
``{framework: {tool: converted}}``. A schema that a framework cannot read ends it with an error.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from agents.mcp import MCPServerStdio, MCPUtil
from google.genai import types
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp import ClientSession, StdioServerParameters, Tool
from mcp.client.stdio import stdio_client
from pydantic_ai.mcp import MCPToolset, StdioTransport
from pydantic_ai.profiles.google import GoogleJsonSchemaTransformer
from pydantic_ai.profiles.openai import OpenAIJsonSchemaTransformer

Converted = dict[str, Any]


def google_genai(tools: list[Tool]) -> Converted:
    def read(schema: dict[str, Any]) -> types.Schema:
        known = types.JSONSchema.model_validate(schema)
        return types.Schema.from_json_schema(
            json_schema=known, raise_error_on_unsupported_field=True
        )

    return {
        tool.name: types.FunctionDeclaration(
            name=tool.name,
            description=tool.description,
            parameters=read(tool.inputSchema),
            response=read(tool.outputSchema) if tool.outputSchema else None,
        ).model_dump(mode="json", exclude_none=True)
        for tool in tools
    }


def openai_agents(tools: list[Tool], command: StdioServerParameters) -> Converted:
    server = MCPServerStdio(params={"command": command.command, "args": command.args})
    converted = [
        MCPUtil.to_function_tool(tool, server, convert_schemas_to_strict=True) for tool in tools
    ]
    return {
        tool.name: {"strict": tool.strict_json_schema, "parameters": tool.params_json_schema}
        for tool in converted
    }


async def langchain(session: ClientSession) -> Converted:
    tools = await load_mcp_tools(session)
    return {tool.name: convert_to_openai_tool(tool, strict=True)["function"] for tool in tools}


async def pydantic_ai(command: StdioServerParameters) -> Converted:
    transport = StdioTransport(command.command, command.args, env=command.env)
    async with MCPToolset(transport) as toolset:
        tools = await toolset.list_tools()
    return {
        tool.name: {
            "openai": OpenAIJsonSchemaTransformer(tool.inputSchema, strict=True).walk(),
            "google": GoogleJsonSchemaTransformer(tool.inputSchema, strict=None).walk(),
        }
        for tool in tools
    }


async def main() -> None:
    program, *arguments = sys.argv[1:]
    command = StdioServerParameters(command=program, args=arguments, env=dict(os.environ))
    async with stdio_client(command) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = (await session.list_tools()).tools
        converted = {
            "google-genai": google_genai(tools),
            "openai-agents": openai_agents(tools, command),
            "langchain": await langchain(session),
        }
    converted["pydantic-ai"] = await pydantic_ai(command)
    print(json.dumps(converted))


asyncio.run(main())
