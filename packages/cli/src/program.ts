import { addCompletion, addEnroll, addFetch, addKeys, UsageError } from '@countersign/fetch'
import { addMcpBridge } from '@countersign/mcp-bridge'
import { Command, Option } from 'commander'
import type { GatewayReportFlags } from './commands/gateway/report.js'
import type { InspectFlags } from './commands/inspect/inspect.js'
import type { PlaygroundFlags } from './commands/playground.js'
import type { TraceFlags } from './commands/trace.js'
import type { OptionSchema } from './flags/configuration.js'

const restoring = 'make a database that was restored from a backup fit to start on: end what the backup brings back'

/** What the commands for agents are called here. */
const names = { fetch: 'countersign fetch', enroll: 'countersign enroll', keys: 'countersign keys' }

/**
 * The whole command line. A command's code is imported when it runs: the rooms behind all of them take longer to load
 * than most commands to finish. Of servers also when `argv` names them, since their flags are in their option schemas.
 */
export async function program(version: string, argv: readonly string[]): Promise<Command> {
  const root = new Command('countersign')
    .description('AAuth for TypeScript: agents, APIs and auth servers that have never met, every request signed')
    .version(version)
    // `agent-server --id A` and `agent-server invite --id B` are two commands: each reads the options behind its own name.
    .enablePositionalOptions()
  addPlayground(root)
  addFetch(root.command('fetch'), names)
  addEnroll(root, names)
  addMcpBridge(root.command('mcp-bridge'), names)
  addInspect(root)
  addTrace(root)
  addKeys(root, names)
  await addServers(root, argv)
  addCompletion(root, () => wholeProgram(version))
  root
    .command('schema')
    .description('print the JSON schema of a --config file')
    .argument('<command>', 'agent-server, auth-server or gateway')
    .action(async (command: string) => (await import('./commands/schema.js')).schema(command))
  return root
}

/** The same with the flags of every server. */
export function wholeProgram(version: string): Promise<Command> {
  return program(version, ['agent-server', 'auth-server', 'gateway'])
}

function addPlayground(root: Command): void {
  root
    .command('playground')
    .description('run the participants on this machine, and a page that shows every message')
    .option('--port <base>', 'first port; the others follow at +10, +20, +21, +30, +31, +40, +50, +60', '4100')
    .option(
      '--scenario <name>',
      'play one story without hands and exit: rate-limit, identity, delegate, autonomous, user-consent, device, sso, multi-hop, oauth-downstream, mcp, refresh, rotation or all',
    )
    .option('--json', 'with --scenario: print every message as JSON')
    .action(async (flags: PlaygroundFlags) => {
      const { playground } = await part('@countersign/playground', () => import('./commands/playground.js'))
      await playground(flags)
    })
}

function addInspect(root: Command): void {
  root
    .command('inspect')
    .description('decode and verify a token, a challenge or a signed request, and say what is wrong')
    .argument(
      '<what>',
      'a token, an Agent-Auth value, a file with one or with a raw HTTP request, or - for standard input',
    )
    .option('--authority <host>', "the verifier's authority, host or host:port; default what Host says")
    .addOption(new Option('--scheme <scheme>', "the verifier's scheme; default https").choices(['https', 'http']))
    .option('--key <file>', 'JWK or JWK Set of the signer, or of the issuer of the token')
    .option('--online', 'fetch the keys of an agent or issuer; without it nothing is fetched')
    .option('--now <time>', 'judge as of this time, Unix seconds or a date; default now')
    .option('--development', 'allow loopback http identifiers')
    .option('--json', 'print what was found as one JSON object')
    .action(async (what: string, flags: InspectFlags) =>
      (await import('./commands/inspect/inspect.js')).inspect(what, flags),
    )
}

function addTrace(root: Command): void {
  root
    .command('trace')
    .description('one user action in order, across the logs of all parties')
    .argument('<txn>', 'the audit id that the records of the action carry as `txn`')
    .argument('<file...>', 'logs of servers, JSON a line; - for standard input')
    .option('--json', 'print the records as one JSON object')
    .action(async (txn: string, files: string[], flags: TraceFlags) =>
      (await import('./commands/trace.js')).trace(txn, files, flags),
    )
}

async function addServers(root: Command, argv: readonly string[]): Promise<void> {
  const agents = root
    .command('agent-server')
    .enablePositionalOptions()
    .description("publish an agent's identity, enrol its delegates")
  const auth = root
    .command('auth-server')
    .enablePositionalOptions()
    .description('issue auth tokens for what policy grants')
  const proxy = root
    .command('gateway')
    .enablePositionalOptions()
    .description('put the guard in front of an API that must not change')
  proxy
    .command('report')
    .description('what a gateway with --observe would have refused, and why')
    .argument('<file...>', 'its logs, JSON a line; - for standard input')
    .option('--json', 'print what was counted as one JSON object')
    .action(async (files: string[], flags: GatewayReportFlags) =>
      (await import('./commands/gateway/report.js')).gatewayReport(files, flags),
    )
  if (argv.includes('agent-server')) await addAgentServer(agents)
  if (argv.includes('auth-server')) {
    const { authServer, authServerOptions } = await import('./commands/auth-server.js')
    flags(auth, authServerOptions).action((_, command: Command) => authServer(command))
    const { authRestoreOptions, restoreAuth } = await import('./commands/restore.js')
    flags(auth.command('restore').description(restoring), authRestoreOptions.flags).action((_, command: Command) =>
      restoreAuth(command),
    )
  }
  if (argv.includes('gateway')) {
    const { gateway, gatewayOptions } = await import('./commands/gateway/gateway.js')
    flags(proxy, gatewayOptions).action((_, command: Command) => gateway(command))
  }
}

async function addAgentServer(agents: Command): Promise<void> {
  const [server, oversight] = await Promise.all([
    import('./commands/agent-server/agent-server.js'),
    import('./commands/agent-server/oversight.js'),
  ])
  flags(agents, server.agentServerOptions).action((_, command: Command) => server.agentServer(command))
  const operator = (
    name: string,
    description: string,
    options: OptionSchema,
    act: (command: Command) => Promise<void>,
  ) => flags(agents.command(name).description(description), options).action((_, command: Command) => act(command))
  const {
    forget,
    forgetOptions,
    invite,
    inviteOptions,
    list,
    listOptions,
    reinstate,
    reinstateOptions,
    revoke,
    revokeOptions,
  } = oversight
  operator('invite', 'print single-use enrolment codes', inviteOptions.flags, invite)
  operator('list', 'list delegates, what they came by, and when they were last seen', listOptions.flags, list)
  operator('revoke', 'end a delegate, or all that came by one enrolment', revokeOptions.flags, revoke)
  operator('reinstate', 'let a revoked delegate enrol again', reinstateOptions.flags, reinstate)
  const { agentRestoreOptions, restoreAgent } = await import('./commands/restore.js')
  operator('restore', restoring, agentRestoreOptions.flags, restoreAgent)
  operator('forget', 'take delegates from the list that were long away', forgetOptions.flags, forget)
}

/** One flag per option that fits on a command line; the rest (lists of objects) is for the --config file. */
function flags(command: Command, schema: OptionSchema): Command {
  const inFileOnly: string[] = []
  for (const [name, option] of Object.entries(schema.shape)) {
    const flag = `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
    const { description = '' } = option as { description?: string }
    if (['development', 'json', 'observe', 'localhostCallback', 'init', 'replaceKeys'].includes(name))
      command.option(flag, description)
    else if (structured.has(name)) inFileOnly.push(name)
    else if (['authServer', 'scope', 'agents', 'deviceFlow', 'audience', 'cors'].includes(name))
      command.option(`${flag} <value...>`, description)
    else command.option(`${flag} <value>`, description)
  }
  const more = inFileOnly.length === 0 ? '' : `, and with ${inFileOnly.join(', ')}`
  return command.option(
    '--config <file>',
    `JSON or YAML with the same options${more}; flags and COUNTERSIGN_* variables beat it`,
  )
}

/** Options that are lists or objects: no flag holds them. */
const structured: ReadonlySet<string> = new Set([
  ...['grants', 'ask', 'exchange', 'login', 'demoUsers', 'oidc', 'routes', 'scopes', 'limits', 'deny', 'users'],
])

/** Loads what may have been left out of an installation, as by `npm install --omit=optional`. */
async function part<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error
    throw new UsageError(`this command needs ${name}, which is not installed here: npm install ${name}`)
  }
}
