export function bundleCommand(place: string): Promise<string>
