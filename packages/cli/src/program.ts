import { Command, Option } from 'commander'
import type { IdentityFlags } from './commands/agent.js'
import type { EnrollFlags } from './commands/enroll.js'
import type { FetchFlags } from './commands/fetch.js'
import type { GatewayReportFlags } from './commands/gateway-report.js'
import type { InspectFlags } from './commands/inspect.js'
import type { KeysFlags } from './commands/keys.js'
import type { PlaygroundFlags } from './commands/playground.js'
import type { TraceFlags } from './commands/trace.js'
import type { OptionSchema } from './configuration.js'

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
    .showHelpAfterError('(add --help for what this command takes)')
  addPlayground(root)
  addFetch(root)
  addMcpBridge(root)
  addInspect(root)
  addTrace(root)
  addKeys(root)
  await addServers(root, argv)
  root
    .command('schema')
    .description('print the JSON schema of a --config file')
    .argument('<command>', 'agent-server, auth-server or gateway')
    .action(async (command: string) => (await import('./commands/schema.js')).schema(command))
  return root
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
    .action(async (flags: PlaygroundFlags) => (await import('./commands/playground.js')).playground(flags))
}

function addFetch(root: Command): void {
  const fetching = root
    .command('fetch')
    .description('curl that climbs: sign, say who you are, get a token, and say why when it cannot')
    .argument('<url>')
    .option('-X, --request <method>', 'method; default GET, with a body POST')
    .option('-d, --data <body>', 'body; @FILE reads one, @- reads standard input')
    .option('-H, --header <line...>', 'a header line such as "Accept: application/json"')
  identity(fetching, 'print the URL and wait; default: in a terminal open a browser, else fail at once')
    .addHelpText('after', askingHelp)
    .option('--json', 'print status, headers, body and steps as one JSON object')
    .action(async (url: string, flags: FetchFlags) => (await import('./commands/fetch.js')).fetchUrl(url, flags))
  root
    .command('enroll')
    .description('become a delegate of an agent server with a single-use code or the OIDC token of a workload')
    .argument('<agent-server>')
    .option('--code <code>', 'the code from `countersign agent-server invite`; - reads it from standard input')
    .option(
      '--oidc-token <source>',
      'a token of Kubernetes, a CI provider or SPIFFE whose audience the agent server takes: a file, - or env:NAME',
    )
    .option('--state <dir>', 'folder for keys and tokens; default ~/.config/countersign')
    .option('--development', 'allow loopback http identifiers')
    .action(async (server: string, flags: EnrollFlags) => (await import('./commands/enroll.js')).enroll(server, flags))
}

const askingHelp = `
Where a user must agree:
  in a terminal          a browser opens; where none can be started, a code to type in on any device is shown, if the auth
                         server lets this agent show one, else the URL
  without a terminal     it fails at once with exit code 1: nobody would read in time what a job or a pipe says
  --no-browser           the URL on standard error in any case, and it waits as long as that is good (10 minutes as a rule),
                         then fails with exit code 1
  --device               the same with a code
`

/** Who acts, and how its user is asked. */
function identity(command: Command, withoutBrowser: string): Command {
  return command
    .addOption(
      new Option('--as <who>', 'who signs')
        .choices(['anonymous', 'pseudonym', 'agent', 'delegate'])
        .default('pseudonym'),
    )
    .option(
      '--id <agent>',
      'with --as agent: the identity made by `countersign keys`; with --as delegate: the agent server',
    )
    .option('--auth-server <url...>', 'auth servers to get tokens from; without it none is asked')
    .option('--no-browser', `where a user must agree: ${withoutBrowser}`)
    .option('--device', 'where a user must agree: show a code to type in on any device')
    .option('--state <dir>', 'folder for keys and tokens; default ~/.config/countersign')
    .option('--development', 'allow loopback http identifiers')
    .option('-v, --verbose', 'show every step on standard error')
}

function addMcpBridge(root: Command): void {
  const bridge = root
    .command('mcp-bridge')
    .description('an MCP server on standard input and output that speaks AAuth to the one at a URL')
    .argument('<url>', 'the endpoint of an MCP server, Streamable HTTP')
  identity(bridge, 'print the URL on standard error and wait; default: the MCP client opens it, else a browser')
    .addHelpText('after', bridgeHelp)
    .action(async (url: string, flags: IdentityFlags) =>
      (await import('./commands/mcp-bridge.js')).mcpBridge(url, flags),
    )
}

const bridgeHelp = `
In the configuration of an MCP client, under "mcpServers":
  "tools": { "command": "npx", "args": ["-y", "-p", "@countersign/cli", "countersign", "mcp-bridge", "https://tools.example/mcp", "--as", "delegate", "--id", "https://agent.example"] }
`

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
    .action(async (what: string, flags: InspectFlags) => (await import('./commands/inspect.js')).inspect(what, flags))
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

function addKeys(root: Command): void {
  const keys = root.command('keys').description('an own agent identity that any static web host can serve')
  const shared = (command: Command): Command =>
    command
      .option('--id <agent>', 'the origin the keys are served from, such as https://agent.example')
      .option('--state <dir>', 'folder that keeps the private keys; default ~/.config/countersign')
      .option('--development', 'allow loopback http identifiers')
  shared(keys.command('new').description('make keys and print their public half')).action(async (flags: KeysFlags) =>
    (await import('./commands/keys.js')).newKeys(flags),
  )
  shared(keys.command('show').description('list identities, or print the public keys of --id')).action(
    async (flags: KeysFlags) => (await import('./commands/keys.js')).showKeys(flags),
  )
  shared(keys.command('publish').description('write a static aauth-agent and JWKS').argument('<dir>'))
    .option('--name <name>', 'a name to show users')
    .option(
      '--localhost-callback',
      'let users be sent back to programs on their own machine, as `countersign fetch` needs',
    )
    .action(async (directory: string, flags: KeysFlags) =>
      (await import('./commands/keys.js')).publishKeys(directory, flags),
    )
}

async function addServers(root: Command, argv: readonly string[]): Promise<void> {
  const agents = root
    .command('agent-server')
    .enablePositionalOptions()
    .description("publish an agent's identity, enrol its delegates")
  const auth = root.command('auth-server').description('issue auth tokens for what policy grants')
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
      (await import('./commands/gateway-report.js')).gatewayReport(files, flags),
    )
  if (argv.includes('agent-server')) await addAgentServer(agents)
  if (argv.includes('auth-server')) {
    const { authServer, authServerOptions } = await import('./commands/auth-server.js')
    flags(auth, authServerOptions).action((_, command: Command) => authServer(command))
  }
  if (argv.includes('gateway')) {
    const { gateway, gatewayOptions } = await import('./commands/gateway.js')
    flags(proxy, gatewayOptions).action((_, command: Command) => gateway(command))
  }
}

async function addAgentServer(agents: Command): Promise<void> {
  const [server, oversight] = await Promise.all([
    import('./commands/agent-server.js'),
    import('./commands/agent-server-oversight.js'),
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
  operator('forget', 'take delegates from the list that were long away', forgetOptions.flags, forget)
}

/** One flag per option that fits on a command line; the rest (lists of objects) is for the --config file. */
function flags(command: Command, schema: OptionSchema): Command {
  const inFileOnly: string[] = []
  for (const [name, option] of Object.entries(schema.shape)) {
    const flag = `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
    const { description = '' } = option as { description?: string }
    if (['development', 'json', 'observe', 'localhostCallback'].includes(name)) command.option(flag, description)
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
