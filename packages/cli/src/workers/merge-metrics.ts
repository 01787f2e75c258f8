interface Family {
  readonly comments: string[]
  readonly samples: string[]
}

/**
 * Merges texts in Prometheus' format, which allows each metric its lines together and described once, and adds a label `worker` to
 * each sample.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function mergeMetrics(readings: ReadonlyArray<readonly [worker: number, text: string]>): string[] {
  const families = new Map<string, Family>()
  for (const [worker, text] of readings) {
    let family: Family = { comments: [], samples: [] }
    for (const line of text.split('\n')) {
      const [, name] = /^# (?:HELP|TYPE|UNIT) (\S+)/.exec(line) ?? []
      // bound: one call
      if (name !== undefined) {
        family = families.get(name) ?? { comments: [], samples: [] }
        families.set(name, family)
        // bound: one call
        if (!family.comments.includes(line)) family.comments.push(line)
      } else if (line !== '' && !line.startsWith('#')) family.samples.push(labelled(line, worker))
    }
  }
  return [...families.values()].flatMap(({ comments, samples }) => [...comments, ...samples])
}

function labelled(sample: string, worker: number): string {
  const [name = ''] = /^[\w:]+/.exec(sample) ?? []
  const rest = sample.slice(name.length)
  const label = `worker="${worker}"`
  if (!rest.startsWith('{')) return `${name}{${label}}${rest}`
  return `${name}{${label}${rest.startsWith('{}') ? '' : ','}${rest.slice(1)}`
}
