"""Verification, backups, rebuilding, retention."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    # verify
    "today's rules would reject {rows} that were accepted, and accept {accepted} that were"
    " rejected": (
        "theo quy tắc hôm nay thì {rows} đã nhận sẽ bị loại, và {accepted} đã loại sẽ được nhận"
    ),
    "sql/reference is not what it was when night {night} was published:": (
        "sql/reference không còn như khi công bố đêm {night}:"
    ),
    "sql/mart or the release is not what it was when night {night} was published: verify it with"
    " the release that published it": (
        "sql/mart hoặc phiên bản không còn như khi công bố đêm {night}: hãy soát bằng phiên bản đã"
        " công bố"
    ),
    "  … and {rows}": "  … và {rows}",
    "put back the rows as they were, verify, then restore today's rows; a row that is added on"
    " purpose changes no night that is verified if it begins after the last one published"
    " (CONTRIBUTING.md, A target that changes)": (
        "trả lại các dòng như cũ, soát, rồi khôi phục các dòng hôm nay; một dòng cố ý thêm không"
        " làm thay đổi đêm nào được soát nếu nó bắt đầu sau đêm công bố cuối cùng (CONTRIBUTING.md,"
        " A target that changes)"
    ),
    "{figure}: the causes leave {left} of its change": (
        "{figure}: các nguyên nhân còn để lại {left} của thay đổi"
    ),
    "the list of the files that night {night} includes is not in the landing"
    " ({manifests}/{name})": (
        "danh sách các tệp mà đêm {night} gồm không có trong landing ({manifests}/{name})"
    ),
    "publish it again with `onestop night {night}`, which writes the list": (
        "công bố lại bằng `onestop night {night}`, lệnh ấy ghi danh sách"
    ),
    "{file}: neither is there a mapping for {source} {feed}, nor was the one of that time kept in"
    " the landing": (
        "{file}: không có ánh xạ cho {source} {feed}, ánh xạ lúc ấy cũng không được giữ trong"
        " landing"
    ),
    "{delivery} is not in the landing any more": "{delivery} không còn trong landing",
    "{file} was loaded and would be refused now: {reason}": (
        "{file} đã được nạp, nay sẽ bị từ chối: {reason}"
    ),
    "{indicator} by {method}": "{indicator} theo {method}",
    "readings and issues of {codes}": "cách đọc và vấn đề của {codes}",
    "form II.06a": "biểu II.06a",
    "returned dossiers on form II.06a": "hồ sơ bị trả lại trong biểu II.06a",
    "{type} ({basis}) from {start}": "{type} ({basis}) từ {start}",
    "{kind} of {unit}": "{kind} của {unit}",
    "{whose}, field {field}": "{whose}, lĩnh vực {field}",
    "{whose}, {period}": "{whose}, {period}",
    "{figure} ({names})": "{figure} ({names})",
    "{figure}: published {was}, counted {now}": "{figure}: đã công bố {was}, tính ra {now}",
    "{kind}: not published that night; counted since a later release ({figures}, not compared)": (
        "{kind}: đêm ấy chưa công bố; chỉ được tính từ một phiên bản sau ({figures}, không so sánh)"
    ),
    "{file}: its bytes in the landing were changed; restore it from the backup, or have it exported"
    " again (docs/operations.md)": (
        "{file}: nội dung tệp trong landing đã bị sửa; hãy phục hồi từ bản sao lưu, hoặc đề nghị"
        " xuất lại (docs/operations.md)"
    ),
    "… and {differences}": "… và {differences}",
    "the figures' digest is not the published one": (
        "mã băm của số liệu không phải là mã đã công bố"
    ),
    "added": "được thêm",
    "removed": "bị bỏ",
    "(empty)": "(trống)",
    # backup and restore
    "set ONESTOP_WAREHOUSE to one of the same kind": "đặt ONESTOP_WAREHOUSE là kho cùng loại",
    "there is no backup": "chưa có bản sao lưu nào",
    "name the folder of the backups": "nêu thư mục chứa các bản sao lưu",
    "restore into an empty folder": "khôi phục vào một thư mục trống",
    "another backup into {target} is running": "đang có lần sao lưu khác vào {target}",
    "run a night first": "hãy chạy một đêm trước",
    "the backup holds a {product} warehouse, and ONESTOP_WAREHOUSE is {warehouse_name}": (
        "bản sao lưu có kho dữ liệu {product}, còn ONESTOP_WAREHOUSE là {warehouse_name}"
    ),
    "another restore into {folder} is running": "đang có lần khôi phục khác vào {folder}",
    "the copy of the warehouse is damaged": "bản sao kho dữ liệu bị hỏng",
    "restore an earlier backup with --at": "khôi phục một bản sao lưu trước đó bằng --at",
    "onestop did not write this manifest: it names {name!r}": (
        "onestop không ghi bản kê này: nó nêu {name!r}"
    ),
    "there is no backup {at}": "không có bản sao lưu {at}",
    "is a link, and the landing holds files only": ("là một liên kết, mà landing chỉ có tệp"),
    "find out who made it, and remove it": "tìm xem ai đã tạo, rồi xóa đi",
    "the landed file was changed since it was backed up, which nobody may do": (
        "tệp trong landing bị sửa sau khi sao lưu, điều không ai được làm"
    ),
    "find out who changed it, and put its copy back from the backup": (
        "tìm xem ai đã sửa, rồi trả lại tệp từ bản sao lưu"
    ),
    "the landing is not empty: the backup does not hold {name} ({count} such files)": (
        "landing không trống: bản sao lưu không có {name} ({count} tệp như vậy)"
    ),
    "the backup's copy of this file is damaged or gone": (
        "bản sao của tệp này trong bản sao lưu bị hỏng hoặc đã mất"
    ),
    "restore it from another copy of the backup": "khôi phục tệp từ một bản sao lưu khác",
    "{error}, so there is nothing to back up": "{error}, nên không có gì để sao lưu",
    "is damaged ({name})": "bị hỏng ({name})",
    "move the folder {name} away and find out who wrote it": (
        "chuyển thư mục {name} đi và tìm xem ai đã ghi nó"
    ),
    "wait for it to end": "chờ lần ấy kết thúc",
    "the landing is not empty: it holds another {name}": "landing không trống: có một {name} khác",
    "move the folder {name} away, or put its good copy back": (
        "chuyển thư mục {name} đi, hoặc trả lại bản còn tốt của nó"
    ),
    # rebuild
    "correct the setting; or restore the last backup (`onestop restore DIR`); or build it from the"
    " landing (`onestop rebuild`)": (
        "sửa cài đặt; hoặc khôi phục bản sao lưu gần nhất (`onestop restore DIR`); hoặc dựng lại từ"
        " landing (`onestop rebuild`)"
    ),
    "ends with night {last}": "kết thúc ở đêm {last}",
    "holds no published night": "không có đêm công bố nào",
    "the warehouse {holds}, but the landing lists {count} later ones ({first} to {last}): the"
    " warehouse was lost, or the setting ONESTOP_WAREHOUSE names another one": (
        "kho dữ liệu {holds}, nhưng landing ghi {count} đêm sau đó ({first} đến {last}): kho dữ"
        " liệu đã mất, hoặc cài đặt ONESTOP_WAREHOUSE nêu một kho khác"
    ),
    "night {night}: {sentence}": "đêm {night}: {sentence}",
    "night {night}: the figures are not those that were published, or this release counts further"
    " ones, or reference rows were edited since": (
        "đêm {night}: số liệu không giống số đã công bố, hoặc phiên bản này tính thêm số liệu, hoặc"
        " dữ liệu tham chiếu đã được sửa từ đó"
    ),
    # retention
    "keep every rule of the product's own retention.yaml, and no other": (
        "giữ mọi quy tắc trong retention.yaml của phần mềm, và không thêm quy tắc nào"
    ),
    "Airflow is not set up in this environment": "Airflow chưa được cài đặt ở môi trường này",
    "run this where its scheduler runs, for instance `docker compose exec scheduler onestop"
    " housekeeping --airflow-database`": (
        "chạy lệnh ở nơi scheduler chạy, ví dụ `docker compose exec scheduler onestop housekeeping"
        " --airflow-database`"
    ),
    "holds no rules": "không có quy tắc nào",
    "copy the product's own retention.yaml": "chép retention.yaml của phần mềm",
    "does not say since when it holds": "không ghi có hiệu lực từ khi nào",
    "add a line such as decided: 2022-03-01": "thêm một dòng như decided: 2022-03-01",
    "write forever, 90 days or 10 years": "viết forever, 90 days hoặc 10 years",
    "rules that are missing or unknown: {names}": "quy tắc thiếu hoặc lạ: {names}",
    "failed: {reason}": "thất bại: {reason}",
    "correct ONESTOP_RETENTION or the file": "sửa ONESTOP_RETENTION hoặc tệp",
    "keep: {text} is no span of time": "keep: {text} không phải là khoảng thời gian",
    "cannot be read ({name})": "không đọc được ({name})",
}
