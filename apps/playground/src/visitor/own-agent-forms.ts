import { join } from 'node:path'
import type { Participants } from '../participants.js'
import type { Form } from './contract.js'
import type { Invitation } from './operator.js'
import { quoted } from './operator-commands.js'

/** Ways to bring an agent, with a code and the addresses of this playground filled in. */
export function formsFor(participants: Participants, { code, sub }: Invitation): Form[] {
  return [
    terminal(participants, { code, sub }),
    typescript(participants, { code, sub }),
    mcp(participants, { code, sub }),
  ]
}

type Enrolling = Pick<Invitation, 'code' | 'sub'>

/** The flags of a delegate of this playground that enrols. */
function flagsOf({ addresses }: Participants, { code }: Enrolling, state: string): string[] {
  const { agentServer, authServer } = addresses
  const who = ['--as', 'delegate', '--id', agentServer, '--code', code]
  return [...who, '--auth-server', authServer, '--state', state, '--development']
}

function terminal(participants: Participants, own: Enrolling): Form {
  const url = `${participants.addresses.calendar}/events?latest=1`
  const args = [url, ...flagsOf(participants, own, own.sub), '-v'].map(quoted).join(' ')
  return {
    id: 'terminal',
    text: `node ${quoted(participants.countersign)} fetch ${args}`,
    npm: `npx -y @countersign/fetch ${args}`,
  }
}

function typescript({ addresses }: Participants, { code, sub }: Enrolling): Form {
  const { agentServer, authServer, calendar } = addresses
  const program = (agent: string, node: string): string =>
    `import { createAgent, delegate, explain } from '${agent}'
import { fileState } from '${node}'

const agent = createAgent({
  identity: delegate({ agentServer: '${agentServer}', enroll: { type: 'code', code: '${code}' } }),
  state: fileState('${sub}.json'),
  identifyTo: ['${calendar}'],
  acceptAuthServer: ['${authServer}'],
  development: true,
})
const response = await agent.fetch('${calendar}/events?latest=1')
console.log(response.status, explain(response).level, await response.json())
`
  // Node that cannot run TypeScript runs this program as JavaScript: it needs no annotation.
  const file = `my-agent.${'typescript' in process.features && process.features.typescript ? 'mts' : 'mjs'}`
  return {
    id: 'typescript',
    file,
    run: `node ${file}`,
    text: program(builtFile('@countersign/agent'), builtFile('@countersign/agent/node')),
    npm: program('@countersign/agent', '@countersign/agent/node'),
  }
}

/** The built file of a package, also when this program runs from source. */
function builtFile(name: string): string {
  return import.meta.resolve(name).replace(/\/src\/([\w-]+)\.ts$/, '/dist/$1.js')
}

function mcp(participants: Participants, own: Enrolling): Form {
  const url = `${participants.addresses.tools}/mcp`
  // A client may start the bridge in any folder. This one is removed with the playground, after which the enrolment is worth nothing.
  const args = [url, ...flagsOf(participants, own, join(participants.folder, own.sub))]
  const config = (command: string, first: readonly string[]): string => configOf(command, [...first, ...args])
  return {
    id: 'mcp',
    text: config(process.execPath, [participants.countersign, 'mcp-bridge']),
    npm: config('npx', ['-y', '@countersign/mcp-bridge']),
  }
}

/** The configuration, with a line for the URL and for each flag. */
function configOf(command: string, args: readonly string[]): string {
  const url = args.findIndex(arg => arg.startsWith('http'))
  const words = args.map((arg, at) => (at === url || arg.startsWith('--') ? '\n        ' : '') + JSON.stringify(arg))
  const list = words.join(', ').replaceAll(', \n', ',\n')
  return `{
  "mcpServers": {
    "playground": {
      "command": ${JSON.stringify(command)},
      "args": [
        ${list}
      ]
    }
  }
}
`
}
