import { parseAnswer } from '@countersign/testing/wire'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'
import { callerOf, guardMcp } from './index.js'
import { toolPolicies } from './tool-cases.test.fixture.js'
import { readAnswer, sessionRule, type ToolSite, toolStages } from './tool-stage.test.fixture.js'
import { initialize } from './tools.test.fixture.js'

const site: ToolSite = {
  name: 'guardMcp',
  async make(plan, tools, world) {
    const build = (): McpServer => {
      const server = new McpServer({ name: 'calendar', version: '1' })
      for (const tool of Object.keys(tools))
        server.registerTool(tool, { inputSchema: z.looseObject({}) }, async (given, extra) => {
          plan.ran++
          if (tool === 'inbox') return given['says'] as never
          const { level, agent, user } = callerOf(extra)
          return { structuredContent: { aauth: { level, agent, user } }, content: [] }
        })
      return server
    }
    const now = () => world.clock.now
    const participant = guardMcp(build, plan.resource, { now, session: sessionRule, tools })
    return {
      async handle(wire) {
        const response = (await participant.handle(wire)) as Response
        const lines = [...response.headers].map(([name, value]) => `${name}: ${value}`)
        const head = [`HTTP/1.1 ${response.status}`, ...lines, '', ''].join('\r\n')
        return readAnswer(parseAnswer(Buffer.concat([Buffer.from(head), Buffer.from(await response.arrayBuffer())])))
      },
      async open(sign) {
        const response = (await participant.handle(await sign(initialize))) as Response
        await response.text()
        return response.headers.get('mcp-session-id') ?? undefined
      },
      stop: async () => participant.close?.(),
    }
  },
}

toolPolicies(site, await toolStages())
