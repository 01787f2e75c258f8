import { Command } from 'commander'
import { addEnroll, addFetch, addKeys } from './command.js'
import { npxNames } from './command-names.js'
import { addCompletion } from './completion.js'
import { runCommand } from './run-command.js'
import { versionIn } from './version.js'

/** Runs `countersign-fetch`: fetches a URL as an agent; `enroll` and `keys` make that agent. */
export async function main(argv: readonly string[]): Promise<void> {
  await runCommand(program, argv)
}

function program(): Command {
  const root = addFetch(new Command('countersign-fetch'), npxNames)
    .version(versionIn(new URL('../package.json', import.meta.url)))
    // Each command reads the options after its own name: `--id A URL`, and `keys new --id B`.
    .enablePositionalOptions()
  addEnroll(root, npxNames)
  addKeys(root, npxNames)
  addCompletion(root)
  return root
}
