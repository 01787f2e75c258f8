import {
  fromJsonSchema,
  InMemoryServerEventBus,
  McpServer,
  type McpServerFactory,
  ResourceTemplate,
  type ServerEventBus,
} from '@modelcontextprotocol/server'
import { addAskingTools, stateCodec } from './asking.fixture.js'
import { addContentTools, png } from './content.fixture.js'
import { addStreamingTools } from './streaming.fixture.js'

// A server of the MCP SDK 2 with all that the scenarios of the official suite ask for.

/** What makes the server of each request, and the events that all of them share. */
export interface OfficialServer {
  readonly createServer: McpServerFactory
  readonly bus: ServerEventBus
}

/** The server that the official suite is run against. */
export function officialServer(): OfficialServer {
  const bus = new InMemoryServerEventBus()
  const codec = stateCodec()
  const createServer: McpServerFactory = ({ era }) => {
    const server = new McpServer(
      { name: 'countersign-official', version: '1.0.0' },
      {
        capabilities: {
          tools: { listChanged: true },
          prompts: { listChanged: true },
          resources: { subscribe: true, listChanged: true },
          logging: {},
          completions: {},
        },
        requestState: { verify: codec.verify },
      },
    )
    addContentTools(server)
    addStreamingTools(server, bus)
    addAskingTools(server, codec)
    addPrompts(server)
    addResources(server)
    server.server.setRequestHandler('completion/complete', ({ params }) => ({
      completion: { values: ['paris', 'park', 'party'].filter(word => word.startsWith(params.argument.value)) },
    }))
    // Gone from 2026-07-28. What is subscribed to never changes here.
    if (era === 'legacy')
      for (const method of ['resources/subscribe', 'resources/unsubscribe'] as const)
        server.server.setRequestHandler(method, () => ({}))
    return server
  }
  return { createServer, bus }
}

const user = (text: string) => ({ role: 'user' as const, content: { type: 'text' as const, text } })

function texts<N extends string>(...names: readonly N[]) {
  const properties = Object.fromEntries(names.map(name => [name, { type: 'string', description: `The ${name}` }]))
  return fromJsonSchema<Record<N, string>>({ type: 'object', properties, required: [...names] })
}

function addPrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'A sentence' }, () => ({
    messages: [user('This is a simple prompt for testing.')],
  }))
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'Repeats its arguments', argsSchema: texts('arg1', 'arg2') },
    ({ arg1, arg2 }) => ({ messages: [user(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] }),
  )
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'Brings a resource', argsSchema: texts('resourceUri') },
    ({ resourceUri: uri }) => {
      const resource = { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' }
      return {
        messages: [
          { role: 'user', content: { type: 'resource', resource } },
          user('Please process the embedded resource above.'),
        ],
      }
    },
  )
  server.registerPrompt('test_prompt_with_image', { description: 'Shows a pixel' }, () => ({
    messages: [
      { role: 'user', content: { type: 'image', data: png, mimeType: 'image/png' } },
      user('Please analyze the image above.'),
    ],
  }))
}

function addResources(server: McpServer): void {
  const text = { mimeType: 'text/plain', description: 'A text' }
  server.registerResource('static text', 'test://static-text', text, ({ href: uri }) => ({
    contents: [{ uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }],
  }))
  server.registerResource('watched', 'test://watched-resource', text, ({ href: uri }) => ({
    contents: [{ uri, mimeType: 'text/plain', text: 'Watched' }],
  }))
  const pixel = { mimeType: 'image/png', description: 'A pixel' }
  server.registerResource('static binary', 'test://static-binary', pixel, ({ href: uri }) => ({
    contents: [{ uri, mimeType: 'image/png', blob: png }],
  }))
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined })
  const data = { mimeType: 'application/json', description: 'Data by id' }
  server.registerResource('template', template, data, ({ href: uri }, { id }) => ({
    contents: [
      {
        uri,
        mimeType: 'application/json',
        text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
      },
    ],
  }))
}
