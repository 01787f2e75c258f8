import { printJson, UsageError } from '@countersign/fetch/internal'
import { jsonSchemaOf, type OptionSchema } from '../flags/option-schema.js'
import { agentServerOptions } from './agent-server/agent-server-options.js'
import { authServerOptions } from './auth-server/auth-server-options.js'
import { gatewayOptions } from './gateway/gateway-options.js'

const schemas: Readonly<Record<string, OptionSchema>> = {
  'agent-server': agentServerOptions,
  'auth-server': authServerOptions,
  gateway: gatewayOptions,
}

/** `countersign schema COMMAND`: prints the JSON schema of the command's `--config` file. */
export function schema(command: string): void {
  const found = Object.hasOwn(schemas, command) ? schemas[command] : undefined
  if (found === undefined)
    throw new UsageError(`there is no configuration of that name; use ${Object.keys(schemas).join(', ')}`)
  printJson(jsonSchemaOf(found), 2)
}
