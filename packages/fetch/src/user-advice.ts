import { parseAgentMetadata, wellKnownUrl } from '@countersign/protocol'
import { parseJson } from '@countersign/protocol/internal'
import type { IdentityFlags } from './agent.js'
import type { CommandNames } from './command-names.js'
import { repeatFlags } from './identity.js'
import { onOneLine } from './output.js'
import { readAtMost } from './read-at-most.js'
import type { ObservedRefusal } from './refusals.js'

/** Milliseconds to wait for the metadata of the identity, which are needed for advice only. */
const patience = 5000
const longestMetadata = 65_536

/** Returns the auth server's words about its refusal, and on a second line what to change, if that is known. */
export async function describeRefusals(
  refusals: readonly ObservedRefusal[],
  flags: IdentityFlags,
  names: CommandNames,
): Promise<string> {
  // After a refused code, the agent asks once more without a user; the refusal of that request does not help.
  const refusal = (flags.device === true ? refusals.findLast(isDeviceRefusal) : undefined) ?? refusals.at(-1)
  if (refusal === undefined) return ''
  const advice = isDeviceRefusal(refusal) ? adviseDevice(flags) : await adviseCallback(refusal, flags, names)
  return `; ${refusal.origin} says: ${onOneLine(refusal.description)}${advice === '' ? '' : `\n  ${advice}`}`
}

function isDeviceRefusal({ error }: ObservedRefusal): boolean {
  return error === 'unauthorized_client' || error === 'unsupported_request_type'
}

function adviseDevice({ device, id }: IdentityFlags): string {
  if (device !== true) return ''
  return `that auth server shows users of ${id} no codes: use --no-browser here, or let it be started with --device-flow ${id}`
}

/** Advises on a refused loopback callback, which the metadata of the identity must allow. */
async function adviseCallback(
  { offeredLoopback, error }: ObservedRefusal,
  flags: IdentityFlags,
  { keys }: CommandNames,
): Promise<string> {
  const { as, id, development = false } = flags
  if (!offeredLoopback || error !== 'invalid_request' || id === undefined) return ''
  const isAllowed = await allowsLoopback(id, development)
  if (isAllowed === undefined) return ''
  if (isAllowed)
    return `${id} lets users be sent back to this machine: where that is new, the auth server sees it within 10 minutes`
  const change =
    as === 'agent'
      ? `publish it again with ${keys} publish DIR --id ${id} --localhost-callback${repeatFlags(flags)}`
      : 'let its operator start countersign agent-server with --localhost-callback'
  return `${id} does not let users be sent back to this machine: ${change}, or use --device here`
}

/** Whether the identity allows loopback callbacks; undefined when its metadata cannot be fetched. */
async function allowsLoopback(id: string, development: boolean): Promise<boolean | undefined> {
  try {
    const signal = AbortSignal.timeout(patience)
    const response = await fetch(wellKnownUrl(id, 'aauth-agent'), { redirect: 'error', signal })
    if (response.status !== 200) return undefined
    const metadata = parseAgentMetadata(parseJson(await readAtMost(response, longestMetadata)), id, { development })
    return metadata.localhost_callback_allowed === true
  } catch {
    return undefined
  }
}
