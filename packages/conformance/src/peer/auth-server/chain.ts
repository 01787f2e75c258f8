/** The agents of a chain, the last one first. @see protocol §7 */
export function agentsIn(act: unknown): readonly string[] {
  const agents: string[] = []
  for (let one: unknown = act; one !== undefined; one = Object(one).act) agents.push(String(Object(one).agent))
  return agents
}
