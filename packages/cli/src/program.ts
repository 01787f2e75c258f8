import { addCompletion, addEnroll, addFetch, addKeys, UsageError } from '@countersign/fetch/internal'
import { addMcpBridge } from '@countersign/mcp-bridge/internal'
import { Command, Option } from 'commander'
import type { AuditKeyFlags } from './commands/audit/key.js'
import type { AuditProofFlags } from './commands/audit/proof.js'
import type { AuditVerifyFlags } from './commands/audit/verify.js'
import { addConformance } from './commands/conformance.js'
import type { GatewayReportFlags } from './commands/gateway/report.js'
import type { InspectFlags } from './commands/inspect/inspect.js'
import type { PlaygroundFlags } from './commands/playground.js'
import type { RequestFlags } from './commands/policy/considered.js'
import type { PolicyFlags } from './commands/policy/explain.js'
import type { TraceFlags } from './commands/trace.js'
import type { OptionSchema } from './flags/option-schema.js'
import { closingOnFailure } from './server/closing-on-failure.js'

const restoringText =
  'prepare a database that was restored from a backup: end all that may have been revoked or used since the backup'

const backupText = 'copy the SQLite database to a file, also while the server runs'

/** The names of the commands for agents, in their texts. */
const names = { fetch: 'countersign fetch', enroll: 'countersign enroll', keys: 'countersign keys' }

/**
 * The command line. The code of a command is imported when it runs: to load all packages takes longer than most commands run. The
 * flags of a server are added only when `argv` names it: they are in its option schema.
 */
export async function program(version: string, argv: readonly string[]): Promise<Command> {
  const root = new Command('countersign')
    .description('AAuth for TypeScript: agents call APIs that they have never met; every request is signed')
    .version(version)
    // `agent-server --id A` and `agent-server invite --id B` are two commands: each reads the options after its own name.
    .enablePositionalOptions()
  addPlayground(root)
  addFetch(root.command('fetch'), names)
  addEnroll(root, names)
  addMcpBridge(root.command('mcp-bridge'), names)
  addInspect(root)
  addTrace(root)
  addPolicy(root)
  addAudit(root)
  addKeys(root, names)
  addConformance(root.command('conformance'))
  await addServers(root, argv)
  addCompletion(root, () => wholeProgram(version))
  root
    .command('schema')
    .description('print the JSON schema of a --config file')
    .argument('<command>', Object.keys(servers).join(', '))
    .action(async (command: string) => (await import('./commands/schema.js')).schema(command))
  return root
}

/** The command line with the flags of all servers. */
export function wholeProgram(version: string): Promise<Command> {
  return program(version, Object.keys(servers))
}

function addPlayground(root: Command): void {
  root
    .command('playground')
    .description('run all participants on this machine, with a page that shows every message')
    .option('--port <base>', 'first port; the others are +10, +20, +21, +30, +31, +40, +50, +60 and +70 to +74', '4100')
    .option(
      '--scenario <name>',
      'play one scenario without a user, then exit: rate-limit, identity, delegate, autonomous, user-consent, device, sso, multi-hop, oauth-downstream, mcp, revocation, delegation, approval, refresh, rotation or all',
    )
    .option('--attacks', 'attack the participants without a page, then exit: 0 if every attack was refused')
    .option('--json', 'with --scenario or --attacks: print every message as JSON')
    .action(async (flags: PlaygroundFlags) => {
      const { playground } = await loadOptional('@countersign/playground', () => import('./commands/playground.js'))
      await playground(flags)
    })
}

function addInspect(root: Command): void {
  root
    .command('inspect')
    .description('decode and verify a token, a challenge or a signed request, and say what is wrong')
    .argument(
      '<what>',
      'a token, an Agent-Auth value, a file with a token, an Agent-Auth value or a raw HTTP request, or - for standard input',
    )
    .option('--authority <host>', "the verifier's authority, host or host:port; default that of the Host header")
    .addOption(new Option('--scheme <scheme>', "the verifier's scheme; default https").choices(['https', 'http']))
    .option('--key <file>', 'JWK or JWK Set of the signer, or of the issuer of the token')
    .option('--online', 'fetch the keys of the agent or issuer; default: nothing is fetched')
    .option('--now <time>', 'verify as of this time, Unix seconds or a date; default now')
    .option('--development', 'allow loopback http identifiers')
    .option('--json', 'print the result as one JSON object')
    .action(async (what: string, flags: InspectFlags) =>
      (await import('./commands/inspect/inspect.js')).inspect(what, flags),
    )
}

function addTrace(root: Command): void {
  root
    .command('trace')
    .description('print the records of one user action in order, from the logs of all parties')
    .argument('<txn>', 'the audit id of the action: `txn` in its records')
    .argument('<file...>', 'logs of servers, one JSON object a line; - for standard input')
    .option('--json', 'print the records as one JSON object')
    .action(async (txn: string, files: string[], flags: TraceFlags) =>
      (await import('./commands/trace.js')).trace(txn, files, flags),
    )
}

const auditKeyText = 'public key of the log, NAME+KEYID+BASE64 or a file with it'

function addAudit(root: Command): void {
  const audit = root.command('audit').description('verify an audit log, or a proof of one event, offline')
  audit
    .command('verify')
    .description('say what is missing, changed, moved or added; exit code 1: something is')
    .argument('<folder>', 'an exported audit log')
    .option('--key <key...>', `${auditKeyText}; more of them where it was replaced`)
    .option('--checkpoint <file...>', 'checkpoints that were kept elsewhere: they show a log that was cut or replaced')
    .option('--witness <key>', 'public key of a witness, which must have cosigned the newest checkpoint')
    .option('--json', 'print the report as one JSON object')
    .action(async (folder: string, flags: AuditVerifyFlags) =>
      (await import('./commands/audit/verify.js')).verifyFolder(folder, flags),
    )
  audit
    .command('proof')
    .description('verify that an event stands in a log, and print it; exit code 1: it does not')
    .argument('<file>', 'the proof of an event, JSON')
    .option('--key <key>', auditKeyText)
    .option('--json', 'print the event as one JSON object')
    .action(async (file: string, flags: AuditProofFlags) =>
      (await import('./commands/audit/proof.js')).proof(file, flags),
    )
  audit
    .command('key')
    .description('print the public key of a log, for those who verify')
    .argument('<file>', 'the key that signs the log')
    .option('--id <id>', 'identifier of the server whose log it is')
    .option('--new', 'make the file first, with a new key (mode 0600)')
    .option('--development', 'allow loopback http identifiers')
    .option('--json', 'print one JSON object')
    .action(async (file: string, flags: AuditKeyFlags) =>
      (await import('./commands/audit/key.js')).auditKey(file, flags),
    )
}

const policyText = 'a file with conditions (JSON or YAML), a token, a file with one, or - for standard input'

function addPolicy(root: Command): void {
  const policy = root.command('policy').description('explain, test and compare delegation policies')
  const add = (name: string, description: string): Command =>
    policy
      .command(name)
      .description(description)
      .addOption(new Option('--lang <language>', 'language of the output').choices(['en', 'de']).default('en'))
      .option('--words <file>', 'metadata of the resource: describes its scopes, purposes, operations and data views')
      .option('--development', 'allow loopback http identifiers')
      .option('--json', 'print the result as one JSON object')
  add('explain', 'say each condition in a sentence, whether it can ever hold, and which follow from others')
    .argument('<policy>', policyText)
    .action(async (what: string, flags: PolicyFlags) =>
      (await import('./commands/policy/explain.js')).explainPolicy(what, flags),
    )
  addPolicyTest(add('test', 'say whether a policy allows a request, and which condition decides; exit code 1: refused'))
  add('compare', 'say what becomes possible and impossible, with a request of each; exit code 1: they differ')
    .argument('<old>', policyText)
    .argument('<new>', 'likewise')
    .action(async (old: string, other: string, flags: PolicyFlags) =>
      (await import('./commands/policy/compare.js')).comparePolicies(old, other, flags),
    )
}

function addPolicyTest(command: Command): void {
  command
    .argument('<policy>', policyText)
    .option('--request <file>', 'the request in a file (JSON or YAML); the flags below override its members')
    .option('--resource <id>', 'identifier of the resource')
    .option('--at <time>', 'time of the request, Unix seconds or a date; default now')
    .option('--method <method>', 'default GET, with a body POST')
    .option('--scope <names>', 'scopes that the request uses, set apart by spaces')
    .option('--purpose <names>', 'purposes of the token, set apart by spaces; default: it has none')
    .option('--chain <ids>', 'services that the request came through, the last one first')
    .option('--operation <name>', 'operation of the request')
    .option('--body <file|json>', 'JSON body of the request')
    .option('--answer <file|json>', 'JSON of the answer: prints what of it goes out')
    .option('--used <n/window...>', 'calls that were let pass before it: 5/hour, 1/grant')
    .option('--approved', 'a user has approved this very request')
    .action(async (what: string, flags: PolicyFlags & RequestFlags) =>
      (await import('./commands/policy/test-request.js')).testPolicy(what, flags),
    )
}

/** The servers: their flags are in schemas, which take long to load. */
const servers = {
  'agent-server': { description: "publish an agent's identity, enrol its delegates", add: addAgentServer },
  'auth-server': { description: 'issue auth tokens that policies grant or users allow', add: addAuthServer },
  gateway: { description: 'put the guard in front of an API that must not change', add: addGateway },
} as const

async function addServers(root: Command, argv: readonly string[]): Promise<void> {
  for (const [name, { description, add }] of Object.entries(servers)) {
    const server = root.command(name).enablePositionalOptions().description(description)
    if (argv.includes(name)) await add(server)
  }
}

async function addAuthServer(server: Command): Promise<void> {
  const [
    { addFlags },
    { authServer },
    { authServerOptions },
    { authRestoreOptions, restoreAuth },
    inviting,
    backup,
    { addOperator },
  ] = await Promise.all([
    import('./flags/add-flags.js'),
    import('./commands/auth-server/auth-server.js'),
    import('./commands/auth-server/auth-server-options.js'),
    import('./commands/restore.js'),
    import('./commands/invite-user.js'),
    import('./commands/backup.js'),
    import('./commands/operator/add-operator.js'),
  ])
  addFlags(server, authServerOptions).action((_, command: Command) =>
    closingOnFailure(opened => authServer(command, opened)),
  )
  const restore = server.command('restore').description(restoringText)
  const invite = server.command('invite').description('print a link with which one person makes an account')
  addFlags(invite, inviting.inviteUserOptions.flags).action((_, command: Command) => inviting.invite(command))
  addFlags(server.command('backup').description(backupText), backup.authBackupOptions.flags).action(
    (_, command: Command) => backup.backupAuth(command),
  )
  addFlags(restore, authRestoreOptions.flags).action((_, command: Command) => restoreAuth(command))
  addOperator(server)
}

async function addGateway(server: Command): Promise<void> {
  const [{ addFlags }, { gateway }, { gatewayOptions }] = await Promise.all([
    import('./flags/add-flags.js'),
    import('./commands/gateway/gateway.js'),
    import('./commands/gateway/gateway-options.js'),
  ])
  addFlags(server, gatewayOptions).action((_, command: Command) => closingOnFailure(opened => gateway(command, opened)))
  server
    .command('report')
    .description('count what a gateway with --observe would have refused, and say why')
    .argument('<file...>', 'its logs, one JSON object a line; - for standard input')
    .option('--json', 'print the counts as one JSON object')
    .action(async (files: string[], flags: GatewayReportFlags) =>
      (await import('./commands/gateway/report.js')).gatewayReport(files, flags),
    )
}

async function addAgentServer(server: Command): Promise<void> {
  const [{ addFlags }, { agentServer }, { agentServerOptions }, oversight, restore, backup, { addOperator }] =
    await Promise.all([
      import('./flags/add-flags.js'),
      import('./commands/agent-server/agent-server.js'),
      import('./commands/agent-server/agent-server-options.js'),
      import('./commands/agent-server/oversight.js'),
      import('./commands/restore.js'),
      import('./commands/backup.js'),
      import('./commands/agent-server/groups.js'),
    ])
  addFlags(server, agentServerOptions).action((_, command: Command) =>
    closingOnFailure(opened => agentServer(command, opened)),
  )
  const add = (name: string, description: string, options: OptionSchema) =>
    addFlags(server.command(name).description(description), options)
  const run = (act: (command: Command) => Promise<void>) => (_: unknown, command: Command) => act(command)
  const { inviteOptions, listOptions, delegationOptions, revokeOptions, reinstateOptions, forgetOptions } = oversight
  const { agentRestoreOptions, restoreAgent } = restore
  add('invite', 'print single-use enrolment codes', inviteOptions.flags).action(run(oversight.invite))
  add('list', 'list delegates, their enrolments, and when they were last seen', listOptions.flags).action(
    run(oversight.list),
  )
  add('delegation', 'set or remove the conditions of a delegate', delegationOptions.flags).action(
    run(oversight.setDelegation),
  )
  add('revoke', 'end a delegate, or all delegates of one enrolment', revokeOptions.flags).action(run(oversight.revoke))
  add('reinstate', 'let a revoked delegate enrol again', reinstateOptions.flags).action(run(oversight.reinstate))
  add('backup', backupText, backup.agentBackupOptions.flags).action(run(backup.backupAgent))
  add('restore', restoringText, agentRestoreOptions.flags).action(run(restoreAgent))
  const log = server.command('audit').description('read, prove and export the audit log')
  for (const [verb, { description, options, act }] of Object.entries(oversight.auditOf))
    addFlags(log.command(verb).description(description), options).action((_, command: Command) => act(command))
  add('forget', 'remove delegates from the list that have not been seen for long', forgetOptions.flags).action(
    run(oversight.forget),
  )
  addOperator(server)
}

/** Loads an optional dependency, which `npm install --omit=optional` leaves out. */
async function loadOptional<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error
    throw new UsageError(`this command needs ${name}, which is not installed here: npm install ${name}`)
  }
}
