import { exitCodeOf, exitHelp, reportHelp, type SuiteCommand, suiteCommands } from '@countersign/conformance/internal'
import { NoAnswerError, UsageError } from '@countersign/fetch/internal'
import type { Command } from 'commander'

/** Adds the commands of the conformance suite. */
export function addConformance(command: Command): void {
  command.description('judge any participant from outside, clause by clause').addHelpText('after', `\n${reportHelp}`)
  for (const one of suiteCommands) addCommand(command, one)
}

function addCommand(parent: Command, { name, text, argument, flags, run }: SuiteCommand): void {
  const command = parent
    .command(name)
    .description(text)
    .argument(argument.several === true ? `<${argument.name}...>` : `<${argument.name}>`, argument.text)
    .addHelpText('after', exitHelp)
  for (const flag of flags) {
    const short = flag.short === undefined ? '' : `-${flag.short}, `
    const term = `${short}--${flag.name}${flag.value === undefined ? '' : ` <${flag.value}>`}`
    if (flag.again === true) command.option(term, flag.text, collect)
    else command.option(term, flag.text)
  }
  command.action((values: string | readonly string[], given: Readonly<Record<string, unknown>>) =>
    run([values].flat(), given).catch(error => Promise.reject(mistakeOf(error))),
  )
}

/** Collects the values of a flag that may come again. */
function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** A mistake in the use of `conformance`, and an implementation that does not answer, as all commands report them. */
function mistakeOf(error: unknown): unknown {
  const code = exitCodeOf(error)
  if (!(error instanceof Error) || code === 5) return error
  return code === 2 ? new UsageError(error.message) : new NoAnswerError(error.message)
}
