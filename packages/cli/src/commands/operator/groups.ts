import type { Command } from 'commander'
import { addFlags } from '../../flags/add-flags.js'
import type { OptionSchema } from '../../flags/option-schema.js'

/** A command of a group. */
export interface Operation {
  readonly description: string
  readonly options: OptionSchema
  readonly act: (command: Command) => Promise<void>
}

/** The groups of an operator's commands, and the commands by their names. */
export type Groups = ReadonlyArray<
  readonly [name: string, description: string, operations: Readonly<Record<string, Operation>>]
>

/** Adds groups of commands to that of a server. */
export function addGroups(server: Command, groups: Groups): void {
  for (const [title, text, operations] of groups) {
    const group = server.command(title).description(text)
    for (const [name, { description, options, act }] of Object.entries(operations))
      addFlags(group.command(name).description(description), options).action((_, command: Command) => act(command))
  }
}
