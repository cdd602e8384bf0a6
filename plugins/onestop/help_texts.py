"""The help of the commands in Vietnamese, by its English text in ``cli.py``; their examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onestop.said import Language

#: The whole help of a command, by the first paragraph of the English one.
COMMANDS: dict[str, str] = {
    "Count one-stop dossiers against the city's 2022 reform plan.": (
        "Đối chiếu hồ sơ một cửa với kế hoạch cải cách hành chính năm 2022 của thành phố.\n\n"
        "Mỗi đêm nhận các tệp xuất của một ngày, kiểm tra chúng và công bố số liệu: tệp xuất →"
        " landing → kiểm tra → kho dữ liệu → bảng số liệu → công bố. Biến môi trường quy định nơi"
        " để dữ liệu (ONESTOP_VAR và các biến khác, xem README); mặc định mọi thứ nằm trong var/."
    ),
    "Write realistic exports of all feeds for some nights.": (
        "Ghi tệp xuất mẫu giống thật của mọi loại dữ liệu cho một số đêm."
    ),
    "Run nights: land → read → validate → load → compute → check → publish.": (
        "Chạy các đêm: lấy tệp → đọc → kiểm tra → nạp → tính → soát → công bố.\n\n"
        "Chạy lại một đêm luôn an toàn. Mã kết thúc là 1 khi có đêm không được công bố."
    ),
    "Show the plan's indicators against their targets.": (
        "Xem các chỉ tiêu của kế hoạch so với mục tiêu."
    ),
    "List the items behind a figure, counted or left out, with reason, delivery and row.": (
        "Liệt kê từng mục đằng sau một con số, được tính hay không, kèm lý do, tệp và dòng.\n\n"
        "Hồ sơ của một tỷ lệ, phiếu của thời gian chờ, thủ tục, Bộ phận Một cửa, khai báo. Các mục"
        " không đạt (chỉ có ở mẫu số) đứng đầu."
    ),
    "Show why figures moved between two published nights: causes that add up to the change.": (
        "Cho biết vì sao số liệu thay đổi giữa hai đêm đã công bố: các nguyên nhân cộng lại đúng"
        " bằng mức thay đổi.\n\n"
        "Trong một con số, mỗi hồ sơ, phiếu, thủ tục, Bộ phận Một cửa hay khai báo có một nguyên"
        " nhân: mới tiếp nhận, xong đúng hạn, xong quá hạn, vừa quá hạn, tệp đến muộn, danh sách"
        " thay đổi, … (ref.change_cause). Các nguyên nhân cộng lại bằng mức thay đổi của tử số và"
        " mẫu số. Lệnh cũng cho biết mục tiêu, đánh giá hay độ chắc chắn nào đã khác, và các lỗi dữ"
        " liệu đã biết.\n\n"
        "Nếu dữ liệu tham chiếu thay đổi giữa hai đêm, --indicator liệt kê các hồ sơ nay được tính"
        " khác. Nếu phiên bản phần mềm thay đổi thì không liệt kê được, vì các câu lệnh cũ không"
        " được lưu.\n\n"
        "mart.night_change có các nguyên nhân của mọi đêm, đơn vị, chỉ tiêu và kỳ."
    ),
    "Recompute the published figures from landing/ alone and compare; exit 0 when identical.": (
        "Tính lại số liệu đã công bố chỉ từ landing/ và so sánh; mã kết thúc là 0 khi giống hệt."
        "\n\n"
        "landing/ giữ các tệp xuất đúng như lúc nhận. Ở cơ quan trung ương, lần công bố cuối của cả"
        " nước cũng được cộng lại, từ các gói đã lưu."
    ),
    "Read refused rows and files again after a rule, mapping or reference file was corrected.": (
        "Đọc lại dòng và tệp bị từ chối, sau khi đã sửa quy tắc, tệp ánh xạ hay dữ liệu tham"
        " chiếu.\n\n"
        "Đọc từ landing/, không cần tệp xuất. Dòng nay đạt được nạp và có mặt từ đêm tiếp theo; các"
        " đêm đã công bố không đổi."
    ),
    "List the files received, and their state.": "Liệt kê các tệp đã nhận và tình trạng.",
    "List the nights that were run, how each ended, and how long it took.": (
        "Liệt kê các đêm đã chạy, kết quả và thời gian của từng đêm."
    ),
    "List rejected rows with rule and reason.": ("Liệt kê các dòng bị loại, kèm quy tắc và lý do."),
    "Show a night's alerts, and when each was sent; nothing is sent.": (
        "Xem cảnh báo của một đêm và lúc đã gửi; không gửi gì."
    ),
    "Back up the warehouse, and the files landed since the last backup.": (
        "Sao lưu kho dữ liệu và các tệp đã nhận từ lần sao lưu trước."
    ),
    "Restore a backup into an empty installation; then run `onestop verify`.": (
        "Khôi phục bản sao lưu vào một nơi cài đặt còn trống; sau đó chạy `onestop verify`."
    ),
    "Rebuild a lost warehouse from landing/: every night that landing/ lists.": (
        "Dựng lại kho dữ liệu đã mất từ landing/: mọi đêm mà landing/ có ghi.\n\n"
        "Mất khoảng thời gian bằng các đêm đó; nếu bị ngắt thì lần sau làm tiếp. Mã kết thúc là 1"
        " khi số liệu của một đêm khác với số đã công bố."
    ),
    "Bring the warehouse's schema up to this release; on PostgreSQL, with its owner's login.": (
        "Nâng cấu trúc kho dữ liệu lên phiên bản này; với PostgreSQL, đăng nhập bằng chủ sở hữu."
    ),
    "Delete files past their retention; never those that a published night needs.": (
        "Xóa tệp đã hết thời hạn lưu; không bao giờ xóa tệp mà một đêm đã công bố cần đến."
    ),
    "Check whether the installation is healthy, and what to do; exit 1 on a failure.": (
        "Kiểm tra hệ thống có hoạt động tốt không, và cần làm gì; mã kết thúc là 1 khi có lỗi."
    ),
    "Write a published night as a signed package for the national office.": (
        "Ghi một đêm đã công bố thành gói số liệu có chữ ký cho cơ quan trung ương.\n\n"
        "Gói chứa các số nguyên đã công bố theo chỉ tiêu, đơn vị và kỳ, không có gì của hồ sơ nào."
        " Cùng một đêm cho cùng nội dung. docs/federation.md mô tả khóa và định dạng."
    ),
    "Take in packages of provinces, and publish the nation's figures.": (
        "Nhận gói số liệu của các tỉnh và công bố số liệu cả nước.\n\n"
        "Chữ ký, mã băm và các tổng được kiểm tra lại; mọi gói đều được giữ. Chạy lại luôn an toàn."
        " Mã kết thúc là 1 khi có gói lần đầu bị từ chối."
    ),
    "Show the nation's scorecard: sums of the provinces, and who is missing or late.": (
        "Xem bảng chỉ tiêu cả nước: tổng của các tỉnh, và tỉnh nào thiếu hay chậm."
    ),
    "Show what a table or column of mart is derived from, down to the exports' columns.": (
        "Cho biết một bảng hay cột của mart được tính từ đâu, đến tận cột của tệp xuất."
    ),
    "The plan's periodic reports, and the statistics form.": (
        "Báo cáo định kỳ của kế hoạch và biểu thống kê."
    ),
    "Write the statistics form II.06a/VPCP/KSTT as an XLSX file.": (
        "Ghi biểu thống kê II.06a/VPCP/KSTT thành tệp XLSX."
    ),
    "Issue a periodic report: numbered files that never change.": (
        "Ban hành một báo cáo định kỳ: các tệp có số lần và không bao giờ thay đổi.\n\n"
        "Nếu đêm và số liệu giống một lần ban hành trước, lệnh nêu lần đó và không ghi gì. Đêm về"
        " sau, hoặc lý do khác (--because), thành một lần ban hành mới với số tiếp theo. Báo cáo có"
        " kỳ chưa hết cần có lý do; trên màn hình lệnh, lệnh sẽ hỏi.\n\n"
        "Lệnh cũng cho biết số liệu của các kỳ trước, khi cũng mới chừng này ngày, sau đó còn thay"
        " đổi bao nhiêu."
    ),
    "List issued reports, whether their files are unchanged, and the reports still due.": (
        "Liệt kê báo cáo đã ban hành, tệp có còn nguyên không, và các báo cáo còn phải làm."
    ),
}

#: The help of arguments and options, by the English one.
PARAMETERS: dict[str, str] = {
    "Accept this feed's unusual number of rows, or its snapshot that lacks a whole unit; needs"
    " --because.": (
        "Chấp nhận số dòng khác thường của loại dữ liệu này, hoặc tệp chụp toàn bộ thiếu cả một"
        " đơn vị; cần --because."
    ),
    "The reason of the decision, kept with your login.": (
        "Lý do của quyết định, được lưu cùng tài khoản của bạn."
    ),
    "Why it is issued before its period is over; kept with your login.": (
        "Vì sao ban hành khi kỳ chưa hết; được lưu cùng tài khoản của bạn."
    ),
    "First day.": "Ngày đầu.",
    "Last day.": "Ngày cuối.",
    "Folder to write into.": "Thư mục ghi vào.",
    "The first night also gets a snapshot of everything since this day.": (
        "Đêm đầu còn có tệp chụp toàn bộ dữ liệu từ ngày này."
    ),
    "Dossiers per working day.": "Số hồ sơ mỗi ngày làm việc.",
    "The same seed gives the same files.": "Cùng số này cho cùng các tệp.",
    "Per cent of rows made faulty.": "Tỷ lệ phần trăm dòng cố ý làm sai.",
    "Maximum number of communes of a district.": "Số đơn vị cấp xã tối đa của mỗi huyện.",
    "The night: 2022-11-24 or 24/11/2022.": "Đêm: 2022-11-24 hoặc 24/11/2022.",
    "Last night of a range.": "Đêm cuối của một khoảng.",
    "Language; defaults to that of LANG_UI, else of LANG, else vi.": (
        "Ngôn ngữ; mặc định theo biến LANG_UI, rồi LANG, nếu không có thì vi."
    ),
    "A published night; defaults to the last one.": "Đêm đã công bố; mặc định là đêm cuối.",
    "A table for people; json or csv for programs.": (
        "table: bảng cho người đọc; json hoặc csv: cho chương trình."
    ),
    "As in ref.indicator: on_time_rate, counter_waiting_time, …; or a check, as in"
    " ref.decree_check: extended_twice, closed_out_overdue, …": (
        "Như trong ref.indicator: on_time_rate, counter_waiting_time, …; hoặc một việc kiểm tra"
        " trong ref.decree_check: extended_twice, closed_out_overdue, …"
    ),
    "Unit code, DEPARTMENT, DISTRICT, COMMUNE or CITY.": (
        "Mã đơn vị, DEPARTMENT (sở), DISTRICT (huyện), COMMUNE (xã) hoặc CITY (thành phố)."
    ),
    "As in ref.method or ref.reading, such as form_06, due or cohort_ended_only; defaults to the"
    " scorecard's.": (
        "Như trong ref.method hoặc ref.reading: form_06, due, cohort_ended_only, …; mặc định là"
        " cách của bảng chỉ tiêu."
    ),
    "List only these items; the figure is that of all.": (
        "Chỉ liệt kê các mục này; con số vẫn là của tất cả."
    ),
    "At most so many items of each role; defaults to 200 in a table, else to all.": (
        "Số mục tối đa của mỗi nhóm; mặc định là 200 trong bảng, còn lại là tất cả."
    ),
    "The earlier night: 2022-11-23.": "Đêm trước: 2022-11-23.",
    "The later night: 2022-11-24.": "Đêm sau: 2022-11-24.",
    "As in ref.indicator: on_time_rate, …; lists the dossiers of each cause, too.": (
        "Như trong ref.indicator: on_time_rate, …; liệt kê cả hồ sơ của từng nguyên nhân."
    ),
    "As in ref.method; defaults to the scorecard's.": (
        "Như trong ref.method; mặc định là cách của bảng chỉ tiêu."
    ),
    "First day; defaults to that of the scorecard's period, with --to to 1 January.": (
        "Ngày đầu; mặc định theo kỳ của bảng chỉ tiêu, khi có --to thì là ngày 1 tháng 1."
    ),
    "Last day; defaults to each night, or to the end of the scorecard's period.": (
        "Ngày cuối; mặc định là từng đêm, hoặc ngày cuối kỳ của bảng chỉ tiêu."
    ),
    "Only this night and later ones.": "Chỉ đêm này và các đêm sau.",
    "Only this night and earlier ones.": "Chỉ đêm này và các đêm trước.",
    "Only this source.": "Chỉ nguồn này.",
    "Only dossiers, visits, procedures, units or declarations.": (
        "Chỉ dossiers (hồ sơ), visits (lượt đến quầy), procedures (thủ tục), units (đơn vị) hoặc"
        " declarations (khai báo)."
    ),
    "Only what this rule refused, such as DOS-R07.": (
        "Chỉ những gì quy tắc này từ chối, như DOS-R07."
    ),
    "Only this delivery_id.": "Chỉ delivery_id này.",
    "Also refused files, and files with rejected rows, that later files replaced.": (
        "Cả tệp bị từ chối và tệp có dòng bị loại mà tệp về sau đã thay."
    ),
    "Only show what would be loaded.": "Chỉ cho xem những gì sẽ được nạp.",
    "Only this night.": "Chỉ đêm này.",
    "Show how long each step of this night took, instead of the list.": (
        "Xem mỗi bước của đêm này mất bao lâu, thay cho danh sách."
    ),
    "loaded or refused.": "loaded (đã nạp) hoặc refused (từ chối).",
    "Maximum number of rows.": "Số dòng tối đa.",
    "Rule code, such as DOS-R07.": "Mã quy tắc, như DOS-R07.",
    "open, replayed, superseded or left_out.": (
        "open (chưa xử lý), replayed (đã nạp lại), superseded (đã được thay) hoặc left_out (bỏ qua"
        " theo ánh xạ)."
    ),
    "The night; defaults to the last one that was run.": "Đêm; mặc định là đêm chạy gần nhất.",
    "Folder of the backups.": "Thư mục của các bản sao lưu.",
    "How many warehouses to keep.": "Giữ lại bao nhiêu bản sao kho dữ liệu.",
    "Name of the backup; defaults to the one with the latest night.": (
        "Tên bản sao lưu; mặc định là bản có đêm mới nhất."
    ),
    "Only show what would be deleted.": "Chỉ cho xem những gì sẽ bị xóa.",
    "Also old runs of Airflow; only on the scheduler's machine.": (
        "Cả các lần chạy cũ của Airflow; chỉ trên máy của scheduler."
    ),
    "The night that should be published; defaults to yesterday.": (
        "Đêm lẽ ra đã công bố; mặc định là hôm qua."
    ),
    "Only show warnings and failures.": "Chỉ hiện những điểm cần chú ý và lỗi.",
    "Such as form_06a or form_06a.received_total; defaults to all tables.": (
        "Như form_06a hoặc form_06a.received_total; mặc định là mọi bảng."
    ),
    "The .xlsx file to write.": "Tệp .xlsx cần ghi.",
    "calendar or government.": "calendar (dương lịch) hoặc government (từ ngày 15).",
    "q1, half_year, q3 or year.": "q1, half_year, q3 hoặc year.",
    "As in the national registry; defaults to the variable ONESTOP_PROVINCE.": (
        "Như trong danh sách tỉnh của trung ương; mặc định theo biến ONESTOP_PROVINCE."
    ),
    "The private key; defaults to the variable ONESTOP_PACKAGE_KEY.": (
        "Khóa bí mật; mặc định theo biến ONESTOP_PACKAGE_KEY."
    ),
    "Only make a private key in this new file, and print the public key.": (
        "Chỉ tạo khóa bí mật trong tệp mới này, và in khóa công khai."
    ),
    "Files, folders, sftp:// and s3:// folders, https:// files; defaults to the variable"
    " ONESTOP_PACKAGES.": (
        "Tệp, thư mục, thư mục sftp:// và s3://, tệp https://; mặc định theo biến ONESTOP_PACKAGES."
    ),
    "The provinces with their keys; defaults to the variable ONESTOP_PROVINCES.": (
        "Danh sách tỉnh và khóa của tỉnh; mặc định theo biến ONESTOP_PROVINCES."
    ),
    "The nation's night; defaults to the latest one of the provinces.": (
        "Đêm của cả nước; mặc định là đêm mới nhất của các tỉnh."
    ),
    "Publish only when packages of so many provinces are in.": (
        "Chỉ công bố khi đã có gói của chừng này tỉnh."
    ),
    "Also check again the kept packages that were refused.": (
        "Kiểm tra lại cả các gói đã giữ mà trước đây bị từ chối."
    ),
    "Show the nation's scorecard at the end.": "Cuối cùng cho xem bảng chỉ tiêu cả nước.",
    "A published night of the nation; defaults to the last publication.": (
        "Đêm đã công bố của cả nước; mặc định là lần công bố cuối."
    ),
    "The scorecard, all publications, the provinces of one, all packages, or restated figures.": (
        "Bảng chỉ tiêu, mọi lần công bố, các tỉnh của một lần, mọi gói số liệu, hoặc các con số đã"
        " đổi."
    ),
    "Also create the schema of the nation's figures; one that exists is upgraded in any case.": (
        "Tạo cả cấu trúc của số liệu cả nước; nơi đã có thì luôn được nâng cấp."
    ),
    "Show the version and exit.": "Hiện phiên bản rồi kết thúc.",
    "Show the progress of long work also where there is no terminal.": (
        "Hiện tiến độ của việc dài cả khi không có màn hình lệnh."
    ),
    "On an error, show the whole traceback.": "Khi có lỗi, hiện toàn bộ traceback.",
    "Show this message and exit.": "Hiện trợ giúp này rồi kết thúc.",
    "Install completion for the current shell.": "Cài tính năng tự điền lệnh cho shell đang dùng.",
    "Show completion for the current shell, to copy it or customize the installation.": (
        "Hiện mã tự điền lệnh cho shell đang dùng, để chép hoặc tự cài."
    ),
}

#: Examples of each command: what for, in Vietnamese and English, and the lines to type.
EXAMPLES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "": (
        ("Chạy một đêm:", "Run a night:", "onestop night 2022-11-24"),
        ("Xem bảng chỉ tiêu:", "See the scorecard:", "onestop scorecard"),
        ("Xem trợ giúp của một lệnh:", "See the help of a command:", "onestop explain --help"),
        (
            "Bằng tiếng Anh; mọi lệnh đều nhận --lang, --debug và --progress:",
            "In Vietnamese; every command takes --lang, --debug and --progress:",
            "onestop nights --lang {other}",
        ),
    ),
    "sample": (
        (
            "Tệp xuất của bốn đêm, đêm đầu có cả hồ sơ từ đầu năm:",
            "Exports of four nights, with the dossiers of the year in the first:",
            (
                "onestop sample --from 2022-11-21 --to 2022-11-24 --since 2022-01-01 \\\n"
                "  --out var/exports"
            ),
        ),
    ),
    "night": (
        ("Một đêm:", "One night:", "onestop night 2022-11-24"),
        ("Bốn đêm liền:", "Four nights:", "onestop night 2022-11-21 --to 2022-11-24"),
        (
            "Chấp nhận số dòng khác thường:",
            "Accept an unusual number of rows:",
            (
                "onestop night 2022-11-24 --accept-volume one_stop/visits \\\n"
                '  --because "the desk was closed"'
            ),
        ),
        (
            "Ghi tiến độ vào một tệp:",
            "Write the progress into a file:",
            "onestop night 2022-11-24 --progress 2> night.log",
        ),
    ),
    "scorecard": (
        ("Số liệu mới nhất:", "The latest figures:", "onestop scorecard"),
        (
            "Số liệu của một đêm trước, thành tệp cho Excel:",
            "Those of an earlier night, as a file for Excel:",
            "onestop scorecard --as-of 2022-11-20 --format csv > scorecard.csv",
        ),
    ),
    "explain": (
        (
            "Hồ sơ của một đơn vị trong năm:",
            "The dossiers of a unit in this year:",
            "onestop explain on_time_rate --unit H24.31 --from 2022-01-01 \\\n  --to 2022-11-24",
        ),
        (
            "Chỉ những hồ sơ không đạt, ở mọi xã:",
            "Only those that failed, in all communes:",
            (
                "onestop explain on_time_rate --unit COMMUNE --from 2022-11-01 \\\n"
                "  --to 2022-11-24 --role denominator"
            ),
        ),
    ),
    "diff": (
        (
            "Điều gì làm bảng chỉ tiêu của thành phố thay đổi trong đêm qua:",
            "What moved the city's scorecard last night:",
            "onestop diff 2022-11-23 2022-11-24",
        ),
        (
            "Những hồ sơ nào của một đơn vị, và thay đổi gì ở đó:",
            "Which dossiers of a unit did it, and what changed in them:",
            "onestop diff 2022-11-14 2022-11-24 --unit H24.31 --indicator on_time_rate",
        ),
        (
            "Số liệu tháng 10 ở hai đêm về sau:",
            "The figures of October on two later nights:",
            "onestop diff 2022-11-14 2022-11-24 --from 2022-10-01 --to 2022-10-31",
        ),
    ),
    "verify": (
        ("Đêm công bố cuối:", "The last published night:", "onestop verify"),
        ("Một đêm trước:", "An earlier night:", "onestop verify --as-of 2022-11-20"),
    ),
    "replay": (
        (
            "Xem trước, không nạp gì:",
            "See what it would do; nothing is loaded:",
            "onestop replay --dry-run",
        ),
        (
            "Chỉ những gì một quy tắc đã từ chối:",
            "Only what one rule refused:",
            "onestop replay --rule DOS-R15",
        ),
    ),
    "deliveries": (
        ("Tệp của một đêm:", "The files of a night:", "onestop deliveries --night 2022-11-24"),
        ("Tệp bị từ chối:", "The refused files:", "onestop deliveries --state refused"),
    ),
    "nights": (
        ("Các đêm gần đây:", "The latest nights:", "onestop nights"),
        (
            "Các bước của một đêm:",
            "The steps of a night:",
            "onestop nights --night 2022-11-24",
        ),
    ),
    "rejected": (
        (
            "Dòng mà một quy tắc đã loại:",
            "The rows that one rule rejected:",
            "onestop rejected --rule DOS-R15",
        ),
        (
            "Mọi dòng chưa xử lý, thành tệp cho Excel:",
            "All rows that are open, as a file for Excel:",
            "onestop rejected --state open --limit 100000 --format csv > open.csv",
        ),
    ),
    "alerts": (
        ("Cảnh báo của đêm gần nhất:", "The alerts of the last night:", "onestop alerts"),
        ("Của một đêm:", "Those of a night:", "onestop alerts --night 2022-11-24"),
    ),
    "backup": (
        (
            "Sao lưu vào một ổ đĩa khác, giữ bảy bản:",
            "Back up to another disk, and keep seven backups:",
            "onestop backup /mnt/backup/onestop --keep 7",
        ),
    ),
    "restore": (
        (
            "Khôi phục bản mới nhất, rồi kiểm tra:",
            "Restore the latest backup, then check it:",
            "onestop restore /mnt/backup/onestop\nonestop verify",
        ),
    ),
    "rebuild": (
        ("Dựng lại, có hiện tiến độ:", "Rebuild, and watch it:", "onestop rebuild --progress"),
    ),
    "migrate": (("Sau khi nâng cấp:", "After an upgrade:", "onestop migrate"),),
    "housekeeping": (
        (
            "Xem những gì sẽ bị xóa:",
            "See what would be deleted:",
            "onestop housekeeping --dry-run",
        ),
        ("Xóa:", "Delete it:", "onestop housekeeping"),
    ),
    "doctor": (
        ("Đêm qua có ổn không:", "Is all well after last night?", "onestop doctor"),
        (
            "Nơi có đêm cuối từ lâu, như bản trình diễn:",
            "Where the last night is long over, as in the demonstration:",
            "onestop doctor --night 2022-11-24",
        ),
    ),
    "package": (
        (
            "Một lần: tạo khóa, và gửi khóa công khai cho cơ quan trung ương:",
            "Once: make a key, and send the public key to the national office:",
            "onestop package --new-key province.pem",
        ),
        (
            "Gói của đêm công bố cuối:",
            "The package of the last published night:",
            "onestop package --province H24 --key province.pem --out outbox",
        ),
    ),
    "federate": (
        (
            "Nhận các gói trong một thư mục, rồi xem số liệu cả nước:",
            "Take in the packages of a folder, then see the nation's figures:",
            "onestop federate inbox --registry provinces.csv --scorecard",
        ),
    ),
    "nation": (
        ("Bảng chỉ tiêu cả nước:", "The nation's scorecard:", "onestop nation"),
        (
            "Tỉnh nào thiếu hay chậm:",
            "Which provinces are missing or late:",
            "onestop nation --list provinces",
        ),
    ),
    "lineage": (
        (
            "Một cột được tính từ đâu:",
            "What a column is derived from:",
            "onestop lineage form_06a.open_overdue",
        ),
    ),
    "report": (
        ("Báo cáo đã ban hành và còn phải làm:", "What is issued and due:", "onestop report list"),
    ),
    "report form-06a": (
        (
            "Biểu của cả thành phố cho quý III:",
            "The form of the city for the third quarter:",
            (
                "onestop report form-06a --unit CITY --from 2022-07-01 --to 2022-09-30 \\\n"
                "  -o form.xlsx"
            ),
        ),
    ),
    "report issue": (
        ("Báo cáo quý III:", "The report of the third quarter:", "onestop report issue q3"),
        (
            "Báo cáo năm khi năm chưa hết:",
            "The report of the year before its end:",
            'onestop report issue year --because "asked for by the council"',
        ),
    ),
    "report list": (("Xem danh sách:", "See the list:", "onestop report list"),),
}


def examples_of(command: str, lang: Language) -> str:
    """The examples of a command, as the parser lays out the end of a help.

    Args:
        command: its name below ``onestop``; empty for ``onestop`` itself.
        lang: of what they are for.
    """
    lines = ["\b", "Ví dụ:" if lang == "vi" else "Examples:"]
    for own, english, typed in EXAMPLES[command]:
        lines.append(f"  {own if lang == 'vi' else english}")
        typed_lines = typed.format(other="en" if lang == "vi" else "vi").splitlines()
        lines += [f"    {line}" for line in typed_lines]
    return "\n".join(lines)


#: What the parser itself writes into a help.
PARSER: tuple[tuple[str, str], ...] = (
    (r"^Usage: ", "Cách dùng: "),
    (r"(?m)^(Cách dùng: [^\n]*)\[OPTIONS\]", r"\1[TÙY CHỌN]"),
    (r"(?m)^(Cách dùng: [^\n]*)COMMAND \[ARGS\]\.\.\.", r"\1LỆNH [THAM SỐ]..."),
    (r"\nArguments:\n", "\nTham số:\n"),
    (r"\nOptions:\n", "\nTùy chọn:\n"),
    (r"\nCommands:\n", "\nLệnh:\n"),
    (r"\[required\]", "[bắt buộc]"),
    (r"\[default:(\s)", r"[mặc định\1"),
    (r"\nTry ('[^\n]*') for help\.", r"\nXem \1."),
    (r"(?m)^Error: ", "Lỗi: "),
    (r"Invalid value for ([^\n]*?): ", r"Giá trị của \1 không dùng được: "),
    (r"Invalid value: ", ""),
    (r"Missing argument ", "Thiếu tham số "),
    (r"Missing option ", "Thiếu tùy chọn "),
    (r"Missing command", "Thiếu lệnh"),
    (r"No such option: ", "Không có tùy chọn "),
    (r"\(Possible options: ", "(có các tùy chọn: "),
    (r"No such command ", "Không có lệnh "),
    (r"Did you mean ", "Có phải là "),
    (r"Got unexpected extra argument\(s\) ", "Thừa tham số "),
    (r"Option ([^\n]*) requires an argument", r"Tùy chọn \1 cần một giá trị"),
    (r"Option ([^\n]*) does not take a value", r"Tùy chọn \1 không nhận giá trị"),
    (r"Input should be a valid integer[^\n]*", "phải là số nguyên"),
    (r"Input should be a valid number[^\n]*", "phải là một số"),
    (r"Input should be greater than or equal to ([^\n]+)", r"phải từ \1 trở lên"),
    (r"Input should be less than or equal to ([^\n]+)", r"phải không quá \1"),
    (r" is not one of ", " không nằm trong "),
    (r" is not a valid integer( range)?", " không phải là số nguyên"),
    (r" is not a valid float( range)?", " không phải là một số"),
    (r" is not in the range ", " không nằm trong khoảng "),
    (r"Value (?=')", "Giá trị "),
)
