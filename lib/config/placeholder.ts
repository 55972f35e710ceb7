// What people write where they do not know yet.

const PLACEHOLDER = /XXX|\bTODO\b|\bTBD\b|<[^>]*>|\bchange[-_ ]?me\b/i;

/** Whether somebody has left open what stands there: `+1-XXX-XXX-XXXX`, `TODO`, `<name>`. */
export function isPlaceholder(text: string): boolean {
  return PLACEHOLDER.test(text);
}
