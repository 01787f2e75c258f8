import { printJson, UsageError } from '@countersign/fetch'
import { z } from 'zod'
import type { OptionSchema } from '../flags/configuration.js'
import { agentServerOptions } from './agent-server/agent-server.js'
import { authServerOptions } from './auth-server.js'
import { gatewayOptions } from './gateway/gateway.js'

const schemas: Readonly<Record<string, OptionSchema>> = {
  'agent-server': agentServerOptions,
  'auth-server': authServerOptions,
  gateway: gatewayOptions,
}

/** `countersign schema COMMAND`: the JSON schema of that command's `--config` file. */
export function schema(command: string): void {
  const found = Object.hasOwn(schemas, command) ? schemas[command] : undefined
  if (found === undefined)
    throw new UsageError(`no configuration of that name; there are ${Object.keys(schemas).join(', ')}`)
  printJson(z.toJSONSchema(found, { io: 'input' }), 2)
}
