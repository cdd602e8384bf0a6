"""Tasks of Airflow, one night, replays, decisions, the command line itself, the samples."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    # tasks of Airflow
    "night {night} waits until {until}": "đêm {night} chờ đến {until}",
    "{failed} of {count} files: {each}": "{failed} trong {count} tệp: {each}",
    "deliveries that hold something still refused: {count}": (
        "số tệp nhận còn phần bị từ chối: {count}"
    ),
    "names no folder": "không nêu thư mục nào",
    'put it into its extra field "path"': 'ghi thư mục vào trường extra "path" của nó',
    "{file}: refused by {rule}": "{file}: bị từ chối theo {rule}",
    "{file}: {feed} of {night}, {kind}": "{file}: {feed} của đêm {night}, {kind}",
    "delta": "phần thay đổi",
    "snapshot": "ảnh chụp toàn bộ",
    "{file}: {size} bytes, {delivery}": "{file}: {size} byte, {delivery}",
    "{file}: staged as {staged}": "{file}: đã đọc vào {staged}",
    "loaded before": "đã nạp từ trước",
    "the Connection {name}": "Connection {name}",
    "no file of this batch came through the step before": (
        "không tệp nào của nhóm này qua được bước trước"
    ),
    "{failures}; tried again": "{failures}; sẽ thử lại",
    "the lineage of the marts was not sent": "chưa gửi được nguồn gốc của các bảng số liệu",
    "a backfill": "đây là lần chạy bù",
    "no Connection {email} or {webhook}": "không có Connection {email} hay {webhook}",
    "no alert is sent: {why}": "không gửi cảnh báo: {why}",
    "{channel}: messages {count}": "{channel}: {count} tin",
    "alerts were not sent: {failed}; check the Connections, then clear the task": (
        "chưa gửi được cảnh báo: {failed}; hãy kiểm tra Connection rồi xóa trạng thái bước (clear)"
    ),
    "due: {reports}": "đến hạn: {reports}",
    "held back": "giữ lại",
    "due, and not issued now: {reports}; people are asked from {hour:%H:%M} on, and once for each"
    " night": (
        "đến hạn mà chưa ban hành lúc này: {reports}; từ {hour:%H:%M} mới hỏi, mỗi đêm hỏi một lần"
    ),
    "{report}: was issued while the question was open": (
        "{report}: đã được ban hành khi câu hỏi còn chờ trả lời"
    ),
    "issued": "ban hành",
    "accepted": "chấp nhận",
    "refused: {because}": "từ chối: {because}",
    "nothing": "không có gì",
    "a backfill asks nobody; questions: {count}": ("lần chạy bù không hỏi ai; số câu hỏi: {count}"),
    # a night
    "{file}: {what}; it is read again": "{file}: {what}; tệp được đọc lại",
    "{source} has delivered no {feed} file for night {night}: {where}": (
        "{source} chưa nộp tệp {feed} của đêm {night}: {where}"
    ),
    "{missing}; put it there, then run the night again": (
        "{missing}; hãy đặt tệp vào đó rồi chạy lại đêm ấy"
    ),
    "not published, because other runs compute their nights at the same time": (
        "chưa công bố được, vì các lần chạy khác đang tính đêm của chúng cùng lúc"
    ),
    "run nights one after the other (--max-active-runs 1), and this one again": (
        "chạy lần lượt từng đêm (--max-active-runs 1), rồi chạy lại đêm này"
    ),
    "files were loaded since its marts were computed": (
        "có tệp được nạp sau khi tính bảng số liệu của đêm này"
    ),
    "compute it again": "tính lại",
    "night {night}: {frozen}": "đêm {night}: {frozen}",
    "a source system is skipped because its mapping is broken: {problem}": (
        "bỏ qua một hệ thống nguồn vì ánh xạ của nó hỏng: {problem}"
    ),
    "checked; broken rules: {count}": "đã soát; số quy tắc bị vi phạm: {count}",
    "{tables} tables computed, {rows}": "đã tính {tables} bảng, {rows}",
    "{problem} This source is skipped; the others go on": (
        "{problem} Nguồn này bị bỏ qua; các nguồn khác vẫn chạy"
    ),
    "its name is not {names}; rename it, run again": (
        "tên tệp không phải là {names}; hãy đổi tên tệp rồi chạy lại"
    ),
    "night {night} is not published: {broken}": "đêm {night} chưa được công bố: {broken}",
    "there is no usable mapping for {source} {feed}{broken}; put its file back into"
    " ONESTOP_SOURCES, then run `onestop replay`": (
        "không có ánh xạ dùng được cho {source} {feed}{broken}; hãy đưa tệp ánh xạ trở lại"
        " ONESTOP_SOURCES rồi chạy `onestop replay`"
    ),
    "{file}: skipped, no mapping matches its name; rename it (names: docs/feeds.md), add its name"
    " to a mapping, or take it away": (
        "{file}: bị bỏ qua, không ánh xạ nào khớp tên tệp; hãy đổi tên (các tên: docs/feeds.md),"
        " thêm tên vào một ánh xạ, hoặc bỏ tệp đi"
    ),
    "{file}: its Data Docs are not written yet: {error}": "{file}: chưa ghi Data Docs: {error}",
    "the exports of night {night} could not be listed, so it is unknown which files are there; see"
    " the log of discover_deliveries, then run the night again": (
        "không liệt kê được tệp xuất của đêm {night} nên chưa biết có những tệp nào; xem nhật ký"
        " của discover_deliveries rồi chạy lại đêm ấy"
    ),
    # replay
    "{deliveries} read again: {rows} and {files}": "đã đọc lại {deliveries}: {rows} và {files}",
    "{found} settled; correct the rule, the mapping or the reference file first": (
        "{found} được giải quyết; hãy sửa quy tắc, ánh xạ hoặc tệp tham chiếu trước"
    ),
    "{found} would be settled; run it without --dry-run": (
        "{found} sẽ được giải quyết; hãy chạy không có --dry-run"
    ),
    "{found} settled; they appear in the figures from the next night on": (
        "{found} được giải quyết; có mặt trong số liệu từ đêm tiếp theo"
    ),
    "{file}: {rows} accepted now,{left_out} {open} still rejected": (
        "{file}: nay nhận {rows},{left_out} còn bị loại {open}"
    ),
    " {count} left out by the mapping,": " bỏ qua theo ánh xạ {count},",
    "no refused rows or files to read again": "không có dòng hay tệp bị từ chối nào để đọc lại",
    "{file}: still refused, {reason}": "{file}: vẫn bị từ chối, {reason}",
    "{file}: was refused whole; {accepted} accepted now": (
        "{file}: trước đây bị từ chối cả tệp; nay nhận {accepted}"
    ),
    # decisions
    "a decision needs its reason": "quyết định phải có lý do",
    "state it with --because": "nêu lý do bằng --because",
    "before its period is over, a report is issued with a reason only": (
        "khi kỳ chưa hết, báo cáo chỉ được ban hành kèm lý do"
    ),
    "Its period is not over yet. Why is it issued now?": (
        "Kỳ báo cáo chưa hết. Vì sao ban hành lúc này?"
    ),
    "the reason holds an e-mail address or a person's number": (
        "lý do có địa chỉ e-mail hoặc số của một người"
    ),
    "say what is right about the file, not whose it is": (
        "nêu vì sao tệp đúng, không nêu tệp của ai"
    ),
    "is published or before a published one, so that nothing can be decided about it": (
        "đã công bố hoặc trước một đêm đã công bố, nên không quyết định được gì nữa"
    ),
    "enter it in sql/reference/volume_exception.csv and run onestop replay: the rows of the file"
    " count from the next night on": (
        "ghi đêm đó vào sql/reference/volume_exception.csv rồi chạy onestop replay: các dòng của"
        " tệp được tính từ đêm kế tiếp"
    ),
    "there is no feed {subject}": "không có loại dữ liệu {subject}",
    "use one of: {names}": "dùng một trong: {names}",
    # the command line
    "a fault of onestop {version}: {kind}: {what}{place}": (
        "lỗi của chính onestop {version}: {kind}: {what}{place}"
    ),
    "{fault}; Traceback: {path}, or run it again with {option}": (
        "{fault}; Traceback: {path}, hoặc chạy lại với {option}"
    ),
    "{text} is not a date; write it as 2022-11-24 or 24/11/2022": (
        "{text} không phải là ngày; hãy viết như 2022-11-24 hoặc 24/11/2022"
    ),
    "the range ends ({last}) before it begins ({first})": (
        "khoảng này kết thúc ({last}) trước khi bắt đầu ({first})"
    ),
    "night {night} is in the future; correct the date": (
        "đêm {night} ở tương lai; hãy sửa lại ngày"
    ),
    "--accept-volume decides about one night; leave out --to": (
        "--accept-volume chỉ quyết định cho một đêm; hãy bỏ --to"
    ),
    " ({room} free)": " (còn trống {room})",
    "interrupted": "đã ngắt",
    "make room on the disk, then run the command again": "dọn chỗ trên ổ đĩa rồi chạy lại lệnh",
    "make room or raise the quota, then run the command again": (
        "dọn chỗ hoặc nâng hạn mức rồi chạy lại lệnh"
    ),
    "choose another folder, or make this one writable": (
        "chọn thư mục khác, hoặc cho phép ghi vào thư mục này"
    ),
    "give this user the right, or run the command as the pipeline's user": (
        "cấp quyền cho người dùng này, hoặc chạy lệnh bằng người dùng của hệ thống"
    ),
    "{asked} is no language that texts are shown in": "không có văn bản bằng ngôn ngữ {asked}",
    "write {languages}, or a locale such as vi_VN.UTF-8": (
        "viết {languages}, hoặc tên locale như vi_VN.UTF-8"
    ),
    "{several} or {last}": "{several} hoặc {last}",
    "{several} and {last}": "{several} và {last}",
    # the local Airflow
    "no free port on this machine": "máy này không còn cổng trống",
    "end a program that has one": "tắt một chương trình đang giữ cổng",
    "Airflow's database could not be made": "không tạo được cơ sở dữ liệu của Airflow",
    "Airflow did not start {what}": "Airflow không khởi động được {what}",
    "see {logs}": "xem {logs}",
    "see {log}": "xem {log}",
    "see {log}.log": "xem {log}.log",
    "an Airflow already runs there": "đã có một Airflow đang chạy ở đó",
    "stop it first, with Ctrl-C": "hãy dừng nó trước, bằng Ctrl-C",
    "Airflow's {name} ended unexpectedly": "{name} của Airflow dừng đột ngột",
    # samples
    "give --since a day up to the first night": "cho --since một ngày không sau đêm đầu",
    "the sample has no such days": "bộ mẫu không có những ngày ấy",
    "{communes} communes of a district are too few": (
        "{communes} đơn vị cấp xã mỗi huyện là quá ít"
    ),
    "use at least one with --communes": "cho --communes ít nhất là một",
    "use at least one with --per-day": "cho --per-day ít nhất là một",
    "the first night {first} is after the last night {last}": (
        "đêm đầu {first} ở sau đêm cuối {last}"
    ),
    "the history begins on {since}, after the first night {first}": (
        "lịch sử bắt đầu ngày {since}, sau đêm đầu {first}"
    ),
    "{per_day} dossiers a day are too few": "{per_day} hồ sơ mỗi ngày là quá ít",
    "{dirt_percent} percent of faulty rows is not possible": (
        "tỷ lệ dòng sai {dirt_percent} phần trăm là không thể"
    ),
    "use days from {earliest} to {latest}": "dùng các ngày từ {earliest} đến {latest}",
    "give --dirt 0 to {most_dirt_percent} percent": "cho --dirt từ 0 đến {most_dirt_percent}",
}
