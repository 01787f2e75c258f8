import { readFileSync } from 'node:fs'
import type { Delegation } from '@countersign/agent-server'
import { explainCondition, parseConditions } from '@countersign/conditions'
import { fileFault, UsageError } from '@countersign/fetch/internal'
import { AAuthError } from '@countersign/protocol'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'

/** What a delegate may be used for, and where: in the `--config` file, and in a file of its own. */
export const delegationOption = z.strictObject({
  conditions: z
    // `parseConditions` reads each, and refuses members that its type does not have.
    .array(z.unknown())
    .describe('the conditions, which must all hold: docs/delegation.md lists them'),
  receivers: z
    .array(z.string())
    .min(1)
    .describe('the resources and auth servers that may get its agent tokens; only those that enforce conditions'),
})

/** Reads and checks a file with one delegation. @throws UsageError that says what is wrong with it */
export function delegationIn(path: string): Delegation {
  let content: unknown
  try {
    content = parseYaml(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new UsageError(fileFault(cause) ?? `--delegation: ${path} is neither JSON nor YAML`)
  }
  const read = delegationOption.safeParse(content)
  if (!read.success) throw new UsageError(`--delegation: ${path} must hold an object with "conditions" and "receivers"`)
  return checkedDelegation(read.data, `--delegation: ${path}`)
}

/** Checks the conditions of a delegation. @throws UsageError */
export function checkedDelegation(
  { conditions, receivers }: z.infer<typeof delegationOption>,
  place: string,
): Delegation {
  try {
    return { conditions: parseConditions(conditions, { development: true }), receivers }
  } catch (error) {
    throw error instanceof AAuthError ? new UsageError(`${place}: ${error.description}`) : error
  }
}

/** The conditions in words, one a line. */
export function delegationText({ conditions, receivers }: Delegation): string {
  const lines = conditions.map(condition => `  ${explainCondition(condition, { language: 'en' })}`)
  return ['the delegate may be used', ...lines, `  at ${receivers.join(', ')}`].join('\n')
}
