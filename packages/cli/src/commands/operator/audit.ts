import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../../flags/configuration.js'
import { auditOperations } from '../audit/operations.js'
import type { Operation } from './groups.js'
import { type OperatorSettings, operatorOptions, report, withOperator } from './operator.js'

const forgetOptions = operatorOptions({
  user: z.string().min(1).describe('the user (sub) whose personal data is removed from all events'),
})

/** `countersign auth-server audit …`. */
export const audit: Readonly<Record<string, Operation>> = {
  ...auditOperations<OperatorSettings>({
    options: operatorOptions,
    reading: (settings, act) => withOperator(settings, operator => act(operator.audit)),
  }),
  forget: {
    description: 'remove the personal data of a user from all events; proofs stay valid',
    options: forgetOptions.flags,
    act: forget,
  },
}

async function forget(command: Command): Promise<void> {
  const settings = readConfiguration(command, forgetOptions.options, process.env)
  const { user } = settings
  await withOperator(settings, operator => operator.audit.forget(user))
  const text = 'noted: a running server removes the personal data of this user within seconds; proofs stay valid'
  report(settings, { data: { user, noted: true }, text, found: true })
}
