import { type Command, Option } from 'commander'
import type { CommandNames } from './command-names.js'
import type { EnrollFlags } from './enroll.js'
import type { FetchFlags } from './fetch.js'
import type { KeysFlags } from './keys.js'

/** Turns a command into one that fetches a URL as an agent. */
export function addFetch(command: Command, names: CommandNames): Command {
  command
    .description('curl that climbs: sign, say who you are, get a token, and say why when it cannot')
    .argument('<url>')
    .option('-X, --request <method>', 'method; default GET, with a body POST')
    .option('-d, --data <body>', 'body; @FILE reads one, @- reads standard input')
    .option('-H, --header <line>', 'a header line such as "Accept: application/json"; again for more', collectValue)
    .option('-i, --include', 'print the status and the headers before the body')
    .option('-o, --output <file>', 'write the body to a file')
    .option(
      '--purposes <names>',
      'names of what the call is for, set apart by commas; the resource publishes them',
      collectValue,
    )
    .addOption(
      new Option('--approvals <where>', 'where a user approves a single request, if the resource asks').choices([
        'interact',
        'inbox',
      ]),
    )
    .option('--dry-run', 'show what would be signed and sent first, and send nothing')
  return identity(command, names, 'print the URL and wait; default: in a terminal open a browser, else fail at once')
    .addHelpText('after', askingHelp)
    .option('--json', 'print status, headers, body and steps as one JSON object')
    .action(async (url: string, flags: FetchFlags) => (await import('./fetch.js')).fetchUrl(url, flags, names))
}

/** Collects the values of a repeated flag. A flag that took several words at once would take the URL after it as well. */
function collectValue(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** Adds the command `enroll`, which makes a delegate. */
export function addEnroll(parent: Command, names: CommandNames): void {
  parent
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
    .action(async (server: string, flags: EnrollFlags) => (await import('./enroll.js')).enroll(server, flags, names))
}

/** The exit codes, for the help of commands that scripts run. */
export const exitHelp = `
Exit codes:
  0 done   1 refused   2 started wrongly   3 no answer   4 a user must agree first   5 a fault of this program
`

const askingHelp = `
Where a user must agree:
  in a terminal          a browser opens; where none can be started, a code to type in on any device is shown, if the auth
                         server lets this agent show one, else the URL
  without a terminal     it fails at once with exit code 4: nobody would read the output of a job or a pipe in time
  --no-browser           the URL on standard error in any case, and it waits as long as that is good (10 minutes as a rule),
                         then fails with exit code 4
  --device               the same with a code
${exitHelp}`

/** Adds the flags for the identity of the agent, and for how its user is asked. */
export function identity(command: Command, names: CommandNames, withoutBrowser: string): Command {
  return command
    .addOption(
      new Option('--as <who>', 'who signs')
        .choices(['anonymous', 'pseudonym', 'agent', 'delegate'])
        .default('pseudonym'),
    )
    .option(
      '--id <agent>',
      `with --as agent: the identity made by \`${names.keys}\`; with --as delegate: the agent server`,
    )
    .option(
      '--code <code>',
      'with --as delegate: a single-use code of the agent server, to enrol with unless the state folder has an enrolment',
    )
    .option(
      '--auth-server <url>',
      'an auth server to get tokens from, again for more; without it none is asked',
      collectValue,
    )
    .option('--no-browser', `where a user must agree: ${withoutBrowser}`)
    .option('--device', 'where a user must agree: show a code to type in on any device')
    .option('--state <dir>', 'folder for keys and tokens; default ~/.config/countersign')
    .option('--development', 'allow loopback http identifiers')
    .option('-v, --verbose', 'show every step on standard error')
}

/** Adds the command `keys`, which makes an agent identity of the user's own. */
export function addKeys(parent: Command, names: CommandNames): void {
  const keys = parent.command('keys').description('an own agent identity that any static web host can serve')
  const shared = (command: Command): Command =>
    command
      .option('--id <agent>', 'the origin the keys are served from, such as https://agent.example')
      .option('--state <dir>', 'folder that keeps the private keys; default ~/.config/countersign')
      .option('--development', 'allow loopback http identifiers')
  shared(keys.command('new').description('make keys and print their public half')).action(async (flags: KeysFlags) =>
    (await import('./keys.js')).newKeys(flags),
  )
  shared(keys.command('show').description('list identities, or print the public keys of --id')).action(
    async (flags: KeysFlags) => (await import('./keys.js')).showKeys(flags, names),
  )
  shared(keys.command('publish').description('write a static aauth-agent and JWKS').argument('<dir>'))
    .option('--name <name>', 'a name to show users')
    .option(
      '--localhost-callback',
      `let users be sent back to programs on their own machine, as \`${names.fetch}\` needs`,
    )
    .action(async (directory: string, flags: KeysFlags) =>
      (await import('./keys.js')).publishKeys(directory, flags, names),
    )
}
