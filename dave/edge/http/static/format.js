// Numbers and times as people read them; every unit is written out or standard.

const whole = new Intl.NumberFormat("en");
const clockFormat = new Intl.DateTimeFormat("en", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});

export const count = (n) => whole.format(n);

export function several(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

export function bytes(n) {
  if (n < 1000) return `${Math.round(n)} B`;
  for (const unit of ["kB", "MB", "GB"]) {
    n /= 1000;
    if (n < 999.5) return `${n.toFixed(n < 9.95 ? 1 : 0)} ${unit}`;
  }
  return `${(n / 1000).toFixed(1)} TB`;
}

export function rate(n) {
  if (n === 0) return "0";
  if (n < 0.095) return "< 0.1";
  return n < 9.95 ? n.toFixed(1) : count(Math.round(n));
}

export const percent = (part) => `${(part * 100).toFixed(part > 0 && part < 0.1 ? 1 : 0)} %`;

export function duration(seconds) {
  if (seconds < 0) return "over";
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = units.findIndex(([size]) => seconds >= size);
  if (first < 0) return "0 s";
  const [size, name] = units[first];
  const n = Math.floor(seconds / size);
  if (first === 3 || n >= 10) return `${n} ${name}`;
  const [smaller, its] = units[first + 1];
  const rest = Math.floor((seconds - n * size) / smaller);
  return rest ? `${n} ${name} ${rest} ${its}` : `${n} ${name}`;
}

export const milliseconds = (ms) => (ms < 9.95 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(0)} ms`);

export const clock = (seconds) => clockFormat.format(new Date(seconds * 1000));

export const short = (id) => `${id.slice(0, 8)}…`;

export const words = (name) => name.replaceAll("_", " ");

// A key as it is shown: the directory's own entries begin with a zero byte, and are no text.
export function keyOf(entry) {
  if (entry.key.startsWith("\0")) return "(directory)";
  return entry.key;
}
