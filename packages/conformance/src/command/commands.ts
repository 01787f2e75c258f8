import type { Flag, FlagValues, SuiteCommand } from './flag.js'
import type { ReportFlags } from './report.js'
import type { ConformanceFlags } from './run.js'

/** What each exit code says. */
export const exitHelp = `
Exit codes:
  0 it conforms: no case failed but those that were expected to, and every one of those did
  1 it does not conform
  2 started wrongly: a flag, a file, the configuration, a port that another program has
  3 the implementation does not answer
  5 a fault of this program
`

/** What a run prints. */
export const reportHelp =
  'A run prints what failed, grouped by its cause: first what to mend first. --verbose prints every case.'

const runFlags: readonly Flag[] = [
  { name: 'config', value: 'file', text: 'JSON that says what the implementation offers' },
  { name: 'name', value: 'name', text: 'the name of the implementation, for reports' },
  { name: 'only', value: 'id', again: true, text: 'run this case or the cases of this clause, again for more' },
  { name: 'group', value: 'name', again: true, text: 'run the cases of this group, again for more' },
  { name: 'slow', text: 'run the cases that wait for half a minute, too' },
  { name: 'seed', value: 'number', text: 'what is chosen at random follows from it; default 1' },
  {
    name: 'expected-failures',
    value: 'file',
    text: 'ids of cases that fail today, one a line; one that does not fail is an error',
  },
  { name: 'out', value: 'folder', text: 'write checks.json, junit.xml and index.html into this folder' },
  { name: 'junit', value: 'file', text: 'write JUnit XML' },
  { name: 'html', value: 'file', text: 'write one self-contained page' },
  {
    name: 'verbose',
    short: 'v',
    text: 'print a line for each case and all bytes of what went wrong, not the first of each cause alone',
  },
  { name: 'json', text: 'print checks.json instead of text' },
]

const reportFlags: readonly Flag[] = [
  { name: 'html', value: 'file', text: 'write one self-contained page' },
  { name: 'json', text: 'print the matrix as JSON instead of text' },
]

const server = (name: string, text: string, run: 'runResource' | 'runAgentServer' | 'runAuthServer'): SuiteCommand => ({
  name,
  text,
  argument: { name: 'url', text: 'where it listens' },
  flags: runFlags,
  async run([url = ''], flags: FlagValues) {
    const runs = await import('./run.js')
    await runs[run](url, flags as ConformanceFlags)
  },
})

/** The commands of the suite. Their code is imported when they run. */
export const suiteCommands: readonly SuiteCommand[] = [
  server('resource', 'judge a resource: what it accepts, what it refuses, and how', 'runResource'),
  server('agent-server', 'judge an agent server: how delegates enrol, renew and replace their keys', 'runAgentServer'),
  server('auth-server', 'judge an auth server: what it grants, to whom, and what it refuses', 'runAuthServer'),
  {
    name: 'agent',
    text: 'judge an agent by what it sends and what it refuses',
    argument: {
      name: 'command',
      text: 'after --: the program and its arguments; {url} among them is the URL to call, else it is added',
      several: true,
    },
    flags: runFlags,
    async run(words, flags) {
      const { runAgent } = await import('./run.js')
      await runAgent(words, flags as ConformanceFlags)
    },
  },
  {
    name: 'report',
    text: 'merge the results of several implementations and participants into one matrix',
    argument: {
      name: 'results',
      text: 'checks.json files, or folders with one; NAME=PATH gives the implementation another name',
      several: true,
    },
    flags: reportFlags,
    async run(paths, flags) {
      const { report } = await import('./report.js')
      report(paths, flags as ReportFlags)
    },
  },
]
